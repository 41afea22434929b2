"""gearmand, client and workers by its own C library: tasks are added together and run concurrently
on one connection (`gearman_client_run_tasks`), its documented way for many."""

import ctypes
import sys
import tempfile

import peer

FUNCTION, SUCCESS = b"nothing", 0
# More at once make the library slower: it walks through all of them.
TOGETHER_COUNT = 500
LIBRARY = ctypes.CDLL("libgearman.so.8")
POINTER, SIZE = ctypes.c_void_p, ctypes.c_size_t
WORK = ctypes.CFUNCTYPE(POINTER, POINTER, POINTER, ctypes.POINTER(SIZE),
                        ctypes.POINTER(ctypes.c_int))
SIGNATURES = {
    "gearman_client_create": (POINTER, [POINTER]),
    "gearman_client_add_server": (ctypes.c_int, [POINTER, ctypes.c_char_p, ctypes.c_uint16]),
    "gearman_client_add_task": (POINTER, [POINTER, POINTER, POINTER, ctypes.c_char_p,
                                          ctypes.c_char_p, POINTER, SIZE,
                                          ctypes.POINTER(ctypes.c_int)]),
    "gearman_client_run_tasks": (ctypes.c_int, [POINTER]),
    "gearman_client_task_free_all": (None, [POINTER]),
    "gearman_task_return": (ctypes.c_int, [POINTER]),
    "gearman_worker_create": (POINTER, [POINTER]),
    "gearman_worker_add_server": (ctypes.c_int, [POINTER, ctypes.c_char_p, ctypes.c_uint16]),
    "gearman_worker_add_function": (ctypes.c_int, [POINTER, ctypes.c_char_p, ctypes.c_uint32, WORK,
                                                   POINTER]),
    "gearman_worker_work": (ctypes.c_int, [POINTER]),
}
for name, (answer, arguments) in SIGNATURES.items():
    getattr(LIBRARY, name).restype = answer
    getattr(LIBRARY, name).argtypes = arguments


def checked(code):
    if code != SUCCESS:
        sys.exit(f"gearman: error {code}")


def work(port):
    worker = LIBRARY.gearman_worker_create(None)
    checked(LIBRARY.gearman_worker_add_server(worker, b"127.0.0.1", port))

    @WORK
    def nothing(_job, _context, size, code):
        size[0], code[0] = 0, SUCCESS
        return None

    checked(LIBRARY.gearman_worker_add_function(worker, FUNCTION, 0, nothing, None))
    while True:
        checked(LIBRARY.gearman_worker_work(worker))


class Client:
    def __init__(self, port):
        self.client = LIBRARY.gearman_client_create(None)
        checked(LIBRARY.gearman_client_add_server(self.client, b"127.0.0.1", port))
        self.added_count = 0

    def batch(self, count):
        for first in range(0, count, TOGETHER_COUNT):
            self.run(min(TOGETHER_COUNT, count - first))

    def run(self, count):
        code, tasks = ctypes.c_int(), []
        for _ in range(count):
            # A name of its own: equal ones would be one task.
            self.added_count += 1
            tasks.append(LIBRARY.gearman_client_add_task(
                self.client, None, None, FUNCTION, b"%d" % self.added_count, None, 0,
                ctypes.byref(code)))
            checked(code.value)
        checked(LIBRARY.gearman_client_run_tasks(self.client))
        for task in tasks:
            checked(LIBRARY.gearman_task_return(task))
        LIBRARY.gearman_client_task_free_all(self.client)


def main():
    if sys.argv[1] == "work":
        work(int(sys.argv[2]))
    port = peer.free_port()
    worker = [sys.executable, __file__, "work", str(port)]
    with tempfile.TemporaryDirectory() as folder:
        server = ["gearmand", "--listen", "127.0.0.1", "--port", str(port), "--threads", "2",
                  "--log-file", f"{folder}/log", "--verbose", "ERROR"]
        with peer.processes(server):
            peer.wait_for_port(port)
            with peer.processes(*[worker] * peer.WORKER_COUNT):
                peer.measure(Client(port).batch)


if __name__ == "__main__":
    main()
