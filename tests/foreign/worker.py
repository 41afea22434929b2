"""A worker in another language, written from proto/ alone: it joins, takes tasks and calls, answers.

usage: worker.py FOLDER HOST:PORT NAME, where FOLDER holds what grpc_tools.protoc makes of proto/.
It offers `document` (the input's text in capitals) and `factorial` (by call).
"""

import math
import queue
import sys
import threading
import time

sys.path.insert(0, sys.argv[1])

import grpc
from windlass.v1 import blobs_pb2, blobs_pb2_grpc, session_pb2, session_pb2_grpc, words_pb2

MASTER, NAME = sys.argv[2], sys.argv[3]
SIGN_OF_LIFE_SECONDS = 0.3
PIECE_BYTES = 128 << 10
OFFERS = [
    session_pb2.Offer(operation="document", version=1),
    session_pb2.Offer(operation="factorial", version=1),
]


class Worker:
    def __init__(self, channel):
        self.blobs = blobs_pb2_grpc.BlobsStub(channel)
        self.sessions = session_pb2_grpc.SessionsStub(channel)
        self.said = queue.Queue()
        self.tasks = queue.Queue()
        self.chunks = {}
        self.dropped_jobs = set()

    def say(self, **message):
        self.said.put(session_pb2.ToMaster(**message))

    def run(self):
        self.say(
            hello=session_pb2.Hello(
                protocol=1, name=NAME, incarnation=time.time_ns() // 1000, slots=1, offers=OFFERS
            )
        )
        threading.Thread(target=self.work, daemon=True).start()
        threading.Thread(target=self.live, daemon=True).start()
        for message in self.sessions.Open(iter(self.said.get, None)):
            self.hear(message)

    def live(self):
        while True:
            time.sleep(SIGN_OF_LIFE_SECONDS)
            self.say(progress=session_pb2.Progress())

    def hear(self, message):
        kind = message.WhichOneof("message")
        if kind == "welcome":
            print("welcome", flush=True)
            self.say(credit=session_pb2.Credit(attempts=4))
        elif kind == "refused":
            sys.exit(message.refused.why)
        elif kind == "chunk":
            chunk = message.chunk
            self.chunks[(chunk.phase.job, chunk.phase.phase, chunk.first)] = chunk
        elif kind == "assign":
            for run in message.assign.runs:
                for offset in range(run.count):
                    self.tasks.put((run, offset))
        elif kind == "cancel_job":
            self.dropped_jobs.add(message.cancel_job.job)
        elif kind == "call":
            self.answer(message.call)

    def answer(self, call):
        digits = str(math.factorial(int(call.params.values["n"]))).encode() + b"\n"
        # Longer answers would have to wait for `call_more` after 1 MiB.
        for offset in range(0, len(digits), PIECE_BYTES):
            piece = session_pb2.AnswerPiece(
                offset=offset,
                bytes=digits[offset : offset + PIECE_BYTES],
                is_last=offset + PIECE_BYTES >= len(digits),
            )
            self.say(call_answer=session_pb2.CallAnswer(call=call.call, piece=piece))

    def work(self):
        while True:
            run, offset = self.tasks.get()
            if run.phase.job in self.dropped_jobs:
                continue
            began = time.monotonic()
            ended = session_pb2.EndedRun(
                phase=run.phase,
                round=run.round,
                first=run.first + offset,
                attempt=words_pb2.AttemptId(
                    epoch=run.attempt.epoch, counter=run.attempt.counter + offset
                ),
            )
            try:
                manifest = self.make(run.phase, run.first + offset, began)
                ended.results.manifests.ids = manifest
            except UnicodeDecodeError as error:
                ended.failure.kind = words_pb2.Failure.REJECTED
                ended.failure.code = "not_text"
                ended.failure.cause = f"the file is not UTF-8 text: {error.reason}"
            ended.busy_us = int((time.monotonic() - began) * 1e6)
            self.say(ended=session_pb2.Ended(runs=[ended]))

    def make(self, phase, index, began):
        task = words_pb2.TaskId(job=phase.job, phase=phase.phase, index=index)
        content = b"".join(piece.bytes for piece in self.blobs.ReadInput(task))
        name = self.input_of(phase, index).path.rpartition(b"/")[2].decode()
        text = f"{name}: {content.decode().upper()}"
        artifact = blobs_pb2.Artifact(
            name="{base}.txt", media_type="text/plain; charset=utf-8", inline=text.encode()
        )
        manifest = blobs_pb2.Manifest(
            artifacts=[artifact],
            notes=["made in another language"],
            duration_us=int((time.monotonic() - began) * 1e6),
        )
        return self.blobs.PutManifest(manifest).ids

    def input_of(self, phase, index):
        for (job, position, first), told in self.chunks.items():
            if (job, position) == (phase.job, phase.phase) and first <= index < first + told.count:
                if told.chunk.WhichOneof("stored") == "blob":
                    asked = blobs_pb2.ReadBlob(id=told.chunk.blob)
                    return self.blobs.ReadChunk(asked).inputs[index - first]
                return told.chunk.inputs.inputs[index - first]
        raise LookupError(f"nobody told where the input of task {index} is")


Worker(grpc.insecure_channel(MASTER)).run()
