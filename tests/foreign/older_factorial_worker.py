"""A worker of the older factorial service: python3 older_factorial_worker.py [PORT]

Prints the port that it listens on. Answers a number with the digits of its factorial, one
connection after another, and ends at the first that says nothing, as those programs do."""

import math
import socket
import sys

listening = socket.create_server(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0))
print(listening.getsockname()[1], flush=True)
while True:
    connection, _ = listening.accept()
    with connection:
        number = connection.recv(1024)
        if not number:
            sys.exit("an empty connection")
        print("asked for", number.decode(), flush=True)
        connection.sendall(str(math.factorial(int(number))).encode())
