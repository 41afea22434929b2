"""A worker of the older look-up service, as its programs are written: python3 older_searcher.py URL
NAME GROUP FILE.

Tells its master where it will be, then listens and answers out of the file. Prints a line for each
look-up."""

import json
import socket
import sys
import xmlrpc.client
from xmlrpc.server import SimpleXMLRPCServer

url, name, group, path = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    records = json.load(file)
served = 0


def found(is_wanted):
    global served
    served += 1
    print("asked", served, flush=True)
    return {"error": False, "result": [row for row in records.values() if is_wanted(row)]}


def getbyname(wanted):
    return found(lambda row: row["name"] == wanted)


def getbylocation(wanted):
    return found(lambda row: row["location"] == wanted)


def getbyyear(wanted, year):
    return found(lambda row: row["location"] == wanted and row["year"] == year)


def get_load():
    return served


with socket.create_server(("localhost", 0)) as held:
    port = held.getsockname()[1]
master = xmlrpc.client.ServerProxy(url, allow_none=True)
print(master.register_worker(name, group, f"http://localhost:{port}/"), flush=True)
server = SimpleXMLRPCServer(("localhost", port), allow_none=True, logRequests=False)
for function in [getbyname, getbylocation, getbyyear, get_load]:
    server.register_function(function)
server.serve_forever()
