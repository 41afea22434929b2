//! Which system calls each profile has.
//!
//! An executor is our own code: what it needs is known, so it has a list of what is allowed, and a
//! call that nobody thought of, or that a later kernel brings, is refused. A user's program may be
//! any program: its list names what is forbidden.

use crate::seccomp::{Filter, Rule, Verdict};
use libc::c_long;

const ALLOW: Rule = Rule::Always(Verdict::Allow);
/// To libraries a call that is refused so looks like an older kernel: they take another way.
const UNKNOWN: Verdict = Verdict::Errno(libc::ENOSYS);
const FORBIDDEN: Verdict = Verdict::Errno(libc::EPERM);
const DENIED: Verdict = Verdict::Errno(libc::EACCES);

/// Calls that an executor may make with any arguments: files that are open, memory, threads, time.
const EXECUTOR_CALLS: &[c_long] = &[
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_pread64,
    libc::SYS_pwrite64,
    libc::SYS_preadv,
    libc::SYS_pwritev,
    libc::SYS_preadv2,
    libc::SYS_pwritev2,
    libc::SYS_lseek,
    libc::SYS_close,
    libc::SYS_close_range,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_fstatfs,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_readlinkat,
    libc::SYS_getdents64,
    libc::SYS_getcwd,
    libc::SYS_ftruncate,
    libc::SYS_fallocate,
    libc::SYS_fadvise64,
    libc::SYS_copy_file_range,
    libc::SYS_sendfile,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_pipe2,
    libc::SYS_eventfd2,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_ppoll,
    libc::SYS_pselect6,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_membarrier,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_get_robust_list,
    libc::SYS_rseq,
    libc::SYS_set_tid_address,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_gettid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_getcpu,
    libc::SYS_nanosleep,
    libc::SYS_clock_nanosleep,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_gettimeofday,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_uname,
    libc::SYS_sysinfo,
    libc::SYS_getrusage,
    libc::SYS_times,
    libc::SYS_getrandom,
];

/// Older forms of the same calls, which x86-64 keeps.
#[cfg(target_arch = "x86_64")]
const EXECUTOR_OLDER_CALLS: &[c_long] = &[
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_readlink,
    libc::SYS_dup2,
    libc::SYS_pipe,
    libc::SYS_eventfd,
    libc::SYS_epoll_wait,
    libc::SYS_poll,
    libc::SYS_select,
    libc::SYS_time,
    libc::SYS_getrlimit,
];
#[cfg(not(target_arch = "x86_64"))]
const EXECUTOR_OLDER_CALLS: &[c_long] = &[];

/// Calls that no user's program may make: they change the whole machine, reach behind other layers,
/// or are doors into the kernel that few programs need.
const COMMAND_FORBIDDEN_CALLS: &[c_long] = &[
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_syslog,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_setns,
    libc::SYS_open_by_handle_at,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
];

/// The executor's filter. To be built by the process that will carry it: it names its id.
pub(crate) fn executor_filter() -> Filter {
    let allowed = EXECUTOR_CALLS.iter().chain(EXECUTOR_OLDER_CALLS);
    let mut rules = allowed.map(|call| (*call, ALLOW)).collect::<Vec<_>>();
    let bits = |argument, mask: i32, value: i32, otherwise| Rule::Bits {
        argument,
        mask: mask.cast_unsigned(),
        value: value.cast_unsigned(),
        otherwise,
    };
    let one_of = |argument, values: &[i32], otherwise| Rule::OneOf {
        argument,
        values: values.iter().map(|value| value.cast_unsigned()).collect(),
        otherwise,
    };
    let writes = libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC;
    let locks_and_copies = [
        libc::F_DUPFD,
        libc::F_DUPFD_CLOEXEC,
        libc::F_GETFD,
        libc::F_SETFD,
        libc::F_GETFL,
        libc::F_SETFL,
        libc::F_GETLK,
        libc::F_SETLK,
        libc::F_SETLKW,
    ];
    let bounds = [libc::RLIMIT_AS, libc::RLIMIT_FSIZE].map(u32::cast_signed);
    let own_id = [std::process::id().cast_signed()];
    rules.extend([
        // Only to read: what is written is the output, which is open.
        (libc::SYS_openat, bits(2, writes, libc::O_RDONLY, DENIED)),
        // Threads, no processes. `clone3` takes its flags by pointer, where no filter can look.
        (libc::SYS_clone, bits(0, libc::CLONE_THREAD, libc::CLONE_THREAD, FORBIDDEN)),
        (libc::SYS_clone3, Rule::Always(UNKNOWN)),
        // Not who gets a file's signals, which would be a way to send some.
        (libc::SYS_fcntl, one_of(1, &locks_and_copies, FORBIDDEN)),
        // No file here is a terminal or another device.
        (libc::SYS_ioctl, Rule::Always(Verdict::Errno(libc::ENOTTY))),
        (libc::SYS_prctl, one_of(0, &[libc::PR_SET_NAME], FORBIDDEN)),
        // Limits are read; two of its own change from request to request, below what they may ever
        // be (`confine::bound`).
        (libc::SYS_prlimit64, Rule::Zero { argument: 2, otherwise: FORBIDDEN }),
        (libc::SYS_setrlimit, one_of(0, &bounds, FORBIDDEN)),
        // `abort` signals itself.
        (libc::SYS_tgkill, one_of(0, &own_id, FORBIDDEN)),
        (libc::SYS_socket, Rule::Always(DENIED)),
        (libc::SYS_kill, Rule::Always(FORBIDDEN)),
        (libc::SYS_execve, Rule::Always(FORBIDDEN)),
    ]);
    #[cfg(target_arch = "x86_64")]
    rules.extend([
        (libc::SYS_open, bits(1, writes, libc::O_RDONLY, DENIED)),
        (libc::SYS_fork, Rule::Always(FORBIDDEN)),
        (libc::SYS_vfork, Rule::Always(FORBIDDEN)),
    ]);
    Filter::new(&rules, UNKNOWN)
}

/// The filter of a user's program. Without Landlock it also guards the memory of other processes.
pub(crate) fn command_filter(network: bool, has_landlock: bool) -> Filter {
    let forbid = |call: &c_long| (*call, Rule::Always(FORBIDDEN));
    let mut rules = COMMAND_FORBIDDEN_CALLS.iter().map(forbid).collect::<Vec<_>>();
    // Its requests pass by every filter, sockets among them.
    rules.push((libc::SYS_io_uring_setup, Rule::Always(UNKNOWN)));
    #[cfg(target_arch = "x86_64")]
    rules.extend([libc::SYS_iopl, libc::SYS_ioperm].iter().map(forbid));
    if !has_landlock {
        let calls = [libc::SYS_ptrace, libc::SYS_process_vm_readv, libc::SYS_process_vm_writev];
        rules.extend(calls.iter().map(forbid));
    }
    if !network {
        // Pairs of sockets stay: they connect a program with its own parts.
        rules.push((libc::SYS_socket, Rule::Always(DENIED)));
    }
    Filter::new(&rules, Verdict::Allow)
}
