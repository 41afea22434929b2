"""A slave of the older file service, as its programs are written: Flask and requests.

usage: older_slave.py MASTER_URL PORT [--drop NAME] [--hang NAME] [--fall NAME] [--nonsense NAME]

It tells its master where it will be, twice as Flask's reloader makes it, and listens then. Port 0 is
one that is free. Of a file of these names it makes nothing, or never answers, or ends, or answers
what is no picture and no JSON. Prints its port, then a line for each request: the type and the
files, each with its length."""

import argparse
import base64
import json
import logging
import os
import socket
import sys
import threading

import flask
import requests

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
FIELDS = {
    "image": ("images", "image_data"),
    "text": ("texts", "analysis_data"),
    "embedding": ("texts", "embedding_data"),
    "ocr": ("images", "ocr_data"),
    "audio": ("audio_files", "audio_data"),
    "document": ("documents", "document_data"),
}
parser = argparse.ArgumentParser()
parser.add_argument("master_url")
parser.add_argument("port", type=int)
for behaviour in ["drop", "hang", "fall", "nonsense"]:
    parser.add_argument(f"--{behaviour}", default="")
options = parser.parse_args()
app = flask.Flask(__name__)
logging.getLogger("werkzeug").setLevel(logging.ERROR)
flask.cli.show_server_banner = lambda *_: None


@app.route("/")
def index():
    return "Slave is working"


@app.route("/check_status")
def check_status():
    return flask.jsonify({"status": "alive"})


@app.route("/get_task", methods=["POST"])
def get_task():
    task_type = flask.request.form.get("task_type", "image")
    field, result = FIELDS[task_type]
    files = [(file.filename, file.read()) for file in flask.request.files.getlist(field)]
    told = [f"{name}:{len(content)}" for name, content in files]
    # At once: several requests are answered at a time.
    sys.stdout.write(" ".join(["got", task_type, *told]) + "\n")
    sys.stdout.flush()
    names = [name for name, _ in files]
    if options.hang in names:
        threading.Event().wait()
    if options.fall in names:
        os._exit(1)
    results = []
    for name, content in files:
        if name == options.drop:
            continue
        made = PNG
        if task_type != "image":
            made = json.dumps({"word_count": len(content.split()), "made_by": port,
                               "texts": len(files)}).encode()
        if name == options.nonsense:
            made = b"neither"
        results.append({"filename": name, result: base64.b64encode(made).decode()})
    return flask.jsonify({"results": results})


with socket.create_server(("127.0.0.1", options.port)) as held:
    port = held.getsockname()[1]
for _ in range(2):
    body = {"slave_ip": "127.0.0.1", "slave_port": port}
    print("registered", requests.post(f"{options.master_url}/register", json=body).json(), flush=True)
print("port", port, flush=True)
app.run(host="127.0.0.1", port=port)
