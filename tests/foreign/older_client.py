"""A client of the older file service, as its programs are written: requests.

usage: older_client.py MASTER_URL TASK_TYPE FIELD FILES…

Prints the status and the answer, a line each."""

import json
import sys

import requests

master_url, task_type, field, *paths = sys.argv[1:]
files = [(field, (path.rpartition("/")[2], open(path, "rb"))) for path in paths]
answer = requests.post(f"{master_url}/assign_task", data={"task_type": task_type}, files=files)
print(answer.status_code)
print(json.dumps(answer.json()))
