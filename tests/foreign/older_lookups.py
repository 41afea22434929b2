"""A client of the older look-up service, as its programs are written: python3 older_lookups.py URL.

Prints one JSON value a line for each call of the standard input's lines, `[method, parameter, …]`.
Connections are kept, as `ServerProxy` keeps them."""

import json
import sys
import xmlrpc.client

proxy = xmlrpc.client.ServerProxy(sys.argv[1], allow_none=True)
for line in sys.stdin:
    method, *parameters = json.loads(line)
    try:
        print(json.dumps(getattr(proxy, method)(*parameters)), flush=True)
    except xmlrpc.client.Fault as fault:
        print(json.dumps({"fault": fault.faultString}), flush=True)
