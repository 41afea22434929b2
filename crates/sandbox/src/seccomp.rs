//! Filters of system calls: rules in, a program for the kernel's packet filter out (seccomp(2)).
//!
//! Which calls a profile allows is `syscalls.rs`; here is only how that becomes a program.

use std::io;

/// What becomes of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    Allow,
    /// The call does nothing and fails so.
    Errno(i32),
    /// The process dies of SIGSYS.
    Kill,
}

/// What decides about one call. Arguments are numbered from 0; where no whole value is named, the
/// lower 32 bits count, which is all that the kernel reads of flags and commands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Rule {
    Always(Verdict),
    /// Allowed if the argument is one of these.
    OneOf {
        argument: u8,
        values: Vec<u32>,
        otherwise: Verdict,
    },
    /// Allowed if these bits of the argument are so.
    Bits {
        argument: u8,
        mask: u32,
        value: u32,
        otherwise: Verdict,
    },
    /// Allowed if the argument, all 64 bits of it, is zero.
    Zero {
        argument: u8,
        otherwise: Verdict,
    },
}

/// A program that the kernel accepts.
#[derive(Clone, Debug)]
pub(crate) struct Filter(Vec<libc::sock_filter>);

/// `AUDIT_ARCH_*` of the one calling convention that filters let through (linux/audit.h).
#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7;

/// Numbers from here on are the x32 convention of x86-64: the same calls under other numbers.
const OTHER_CONVENTION: u32 = 0x4000_0000;

/// Offsets in `struct seccomp_data`.
const OFFSET_NUMBER: u32 = 0;
const OFFSET_ARCHITECTURE: u32 = 4;
const OFFSET_ARGUMENTS: u32 = 16;

const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const AND: u16 = (libc::BPF_ALU | libc::BPF_AND | libc::BPF_K) as u16;
const IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const IF_AT_LEAST: u16 = (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

impl Filter {
    /// A program that goes by `rules`, at most one for each call, and else by `default`.
    ///
    /// Calls of another convention (32-bit programs) kill: under their numbers the rules would mean
    /// other calls.
    pub(crate) fn new(rules: &[(libc::c_long, Rule)], default: Verdict) -> Filter {
        let mut code = vec![
            step(LOAD, OFFSET_ARCHITECTURE),
            branch(IF_EQUAL, ARCHITECTURE, 1, 0),
            verdict(Verdict::Kill),
            step(LOAD, OFFSET_NUMBER),
        ];
        if cfg!(target_arch = "x86_64") {
            code.push(branch(IF_AT_LEAST, OTHER_CONVENTION, 0, 1));
            code.push(verdict(Verdict::Errno(libc::ENOSYS)));
        }
        for (number, rule) in rules {
            let block = block(rule);
            let length = u8::try_from(block.len()).expect("a rule is a few steps");
            let number = u32::try_from(*number).expect("call numbers are small");
            code.push(branch(IF_EQUAL, number, 0, length));
            code.extend(block);
        }
        code.push(verdict(default));
        Filter(code)
    }

    /// Puts the filter on this thread and on whatever it starts from now on. Needs no_new_privs.
    /// `false`: this kernel has no filters.
    #[expect(unsafe_code, reason = "the kernel takes the program by pointer")]
    pub(crate) fn install(&self) -> io::Result<bool> {
        let program = libc::sock_fprog {
            len: u16::try_from(self.0.len()).expect("at most 4,096 steps"),
            filter: self.0.as_ptr().cast_mut(),
        };
        // SAFETY: the pointers are to live values that the kernel only copies from.
        let done = unsafe {
            libc::syscall(
                libc::SYS_seccomp,
                libc::SECCOMP_SET_MODE_FILTER,
                0_u32,
                &raw const program,
            )
        };
        if done == 0 {
            return Ok(true);
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::ENOSYS | libc::EINVAL) => Ok(false),
            _ => Err(error),
        }
    }
}

/// The steps of one rule; each way through ends in a verdict.
fn block(rule: &Rule) -> Vec<libc::sock_filter> {
    let low = |argument: u8| step(LOAD, OFFSET_ARGUMENTS + 8 * u32::from(argument));
    let high = |argument: u8| step(LOAD, OFFSET_ARGUMENTS + 8 * u32::from(argument) + 4);
    match rule {
        Rule::Always(always) => vec![verdict(*always)],
        Rule::OneOf { argument, values, otherwise } => {
            let mut steps = vec![low(*argument)];
            for (position, value) in values.iter().enumerate() {
                // Over the values that are left and the refusal.
                let left = u8::try_from(values.len() - position).expect("a rule is a few steps");
                steps.push(branch(IF_EQUAL, *value, left, 0));
            }
            steps.extend([verdict(*otherwise), verdict(Verdict::Allow)]);
            steps
        }
        Rule::Bits { argument, mask, value, otherwise } => vec![
            low(*argument),
            step(AND, *mask),
            branch(IF_EQUAL, *value, 1, 0),
            verdict(*otherwise),
            verdict(Verdict::Allow),
        ],
        Rule::Zero { argument, otherwise } => vec![
            low(*argument),
            branch(IF_EQUAL, 0, 0, 2),
            high(*argument),
            branch(IF_EQUAL, 0, 1, 0),
            verdict(*otherwise),
            verdict(Verdict::Allow),
        ],
    }
}

fn verdict(verdict: Verdict) -> libc::sock_filter {
    step(
        RETURN,
        match verdict {
            Verdict::Allow => libc::SECCOMP_RET_ALLOW,
            Verdict::Errno(errno) => libc::SECCOMP_RET_ERRNO | errno.unsigned_abs(),
            Verdict::Kill => libc::SECCOMP_RET_KILL_PROCESS,
        },
    )
}

fn step(code: u16, k: u32) -> libc::sock_filter {
    libc::sock_filter { code, jt: 0, jf: 0, k }
}

fn branch(code: u16, k: u32, jt: u8, jf: u8) -> libc::sock_filter {
    libc::sock_filter { code, jt, jf, k }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a program over one call as the kernel would.
    fn run(filter: &Filter, architecture: u32, number: u32, arguments: [u64; 6]) -> u32 {
        let word = |offset: u32| match offset {
            OFFSET_NUMBER => number,
            OFFSET_ARCHITECTURE => architecture,
            offset => {
                let at = offset - OFFSET_ARGUMENTS;
                (arguments[at as usize / 8] >> (8 * (at % 8))) as u32
            }
        };
        let (mut position, mut accumulator) = (0, 0);
        loop {
            let libc::sock_filter { code, jt, jf, k } = filter.0[position];
            position += 1;
            let taken = match code {
                LOAD => {
                    accumulator = word(k);
                    continue;
                }
                AND => {
                    accumulator &= k;
                    continue;
                }
                IF_EQUAL => accumulator == k,
                IF_AT_LEAST => accumulator >= k,
                RETURN => return k,
                code => panic!("step {code}"),
            };
            position += usize::from(if taken { jt } else { jf });
        }
    }

    const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
    const DENY: u32 = libc::SECCOMP_RET_ERRNO | 1;
    const UNKNOWN: u32 = libc::SECCOMP_RET_ERRNO | 38;

    #[test]
    fn each_rule_decides_about_its_call_alone() {
        let otherwise = Verdict::Errno(1);
        let filter = Filter::new(
            &[
                (1, Rule::Always(Verdict::Allow)),
                (2, Rule::OneOf { argument: 1, values: vec![7, 8, 9], otherwise }),
                (3, Rule::Bits { argument: 0, mask: 0xf0, value: 0x10, otherwise }),
                (4, Rule::Zero { argument: 5, otherwise }),
                (5, Rule::Always(Verdict::Kill)),
            ],
            Verdict::Errno(38),
        );
        let check = |number, arguments, expected| {
            assert_eq!(run(&filter, ARCHITECTURE, number, arguments), expected, "{number}");
        };
        check(1, [0; 6], ALLOW);
        for (value, expected) in [(7, ALLOW), (8, ALLOW), (9, ALLOW), (6, DENY), (10, DENY)] {
            check(2, [0, value, 0, 0, 0, 0], expected);
        }
        check(3, [0x11f, 0, 0, 0, 0, 0], ALLOW);
        check(3, [0x12f, 0, 0, 0, 0, 0], DENY);
        check(4, [9, 9, 9, 9, 9, 0], ALLOW);
        check(4, [0, 0, 0, 0, 0, 1], DENY);
        check(4, [0, 0, 0, 0, 0, 1 << 32], DENY);
        check(5, [0; 6], libc::SECCOMP_RET_KILL_PROCESS);
        check(6, [0; 6], UNKNOWN);
        assert_eq!(run(&filter, 0x4000_0003, 1, [0; 6]), libc::SECCOMP_RET_KILL_PROCESS);
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn the_same_call_under_another_number_is_refused() {
        let filter = Filter::new(&[], Verdict::Allow);
        assert_eq!(run(&filter, ARCHITECTURE, 1, [0; 6]), ALLOW);
        assert_eq!(run(&filter, ARCHITECTURE, OTHER_CONVENTION | 1, [0; 6]), UNKNOWN);
    }
}
