"""Asks a master whether it serves and which services it has, as tools for gRPC do.

usage: about.py HOST:PORT
"""

import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

channel = grpc.insecure_channel(sys.argv[1])
health = health_pb2_grpc.HealthStub(channel)
for service in ["", "windlass.v1.Sessions", "windlass.v1.JobControl"]:
    status = health.Check(health_pb2.HealthCheckRequest(service=service)).status
    print(service or "all", health_pb2.HealthCheckResponse.ServingStatus.Name(status))
described = ProtoReflectionDescriptorDatabase(channel)
print(*sorted(described.get_services()))
found = described.FindFileContainingSymbol("windlass.v1.Sessions")
print(found.name, len(found.message_type) > 10)
