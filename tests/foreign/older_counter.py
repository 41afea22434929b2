"""A worker of the older MapReduce, as its programs are written: python3 older_counter.py URL ADDRESS
[MODE].

Prints what it is told and does, a line each. MODE: `count` (usual); `part` leaves out a word;
`late` answers when its standard input has a line."""

import sys
import xmlrpc.client

url, address, mode = (*sys.argv[1:], "count")[:3]
master = xmlrpc.client.ServerProxy(url, allow_none=True)
print(master.register_worker(address), flush=True)
while True:
    task, text = master.request_task(address)
    if task is None:
        continue
    print("task", type(task).__name__, len(text), flush=True)
    counts = {}
    for word in text.split():
        counts[word] = counts.get(word, 0) + 1
    if mode == "part":
        counts.popitem()
    if mode == "late":
        sys.stdin.readline()
    done = master.complete_task(task, address, counts)
    print("done", done, master.complete_task(task, address, counts), flush=True)
