"""gRPC for tests: a server of the four kinds of calls, and the calls themselves. Messages are bytes as they are.

The server's methods answer with what they got; metadata `x-status` asks for a status, `x-wait` for waiting until the call
is over.
"""

import os
import threading
from concurrent import futures

os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"  # weir is started beside a running server
import grpc  # noqa: E402

SERVICE = "test.Echo"


class Server:

    def __init__(self):
        self.metadata = []  # of each call
        self.deadlines = []  # seconds left when it came
        self.waiting = threading.Semaphore(0)
        self.cancelled = threading.Semaphore(0)
        self._server = grpc.server(futures.ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0)])
        handlers = {
            "Unary": grpc.unary_unary_rpc_method_handler(self._unary),
            "Split": grpc.unary_stream_rpc_method_handler(self._split),
            "Join": grpc.stream_unary_rpc_method_handler(self._join),
            "Echo": grpc.stream_stream_rpc_method_handler(self._echo),
        }
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    def _begin(self, context):
        metadata = dict(context.invocation_metadata())
        self.metadata.append(metadata)
        self.deadlines.append(context.time_remaining())
        context.send_initial_metadata((("x-first", "1"), ("x-blob-bin", b"\0\xff")))
        context.set_trailing_metadata((("x-last", "2"), ("x-tail-bin", b"\1\xfe")))
        if "x-wait" in metadata:
            over = threading.Event()
            context.add_callback(over.set)
            self.waiting.release()
            over.wait(60)
            self.cancelled.release()
        if "x-status" in metadata:
            context.abort(grpc.StatusCode[metadata["x-status"]], "asked for: 100% \u00e9\n")

    def _unary(self, message, context):
        self._begin(context)
        return message

    def _split(self, message, context):
        """One message for each byte, of that many thousand bytes."""
        self._begin(context)
        for byte in message:
            yield bytes([byte]) * (byte * 1000)

    def _join(self, messages, context):
        self._begin(context)
        return b"+".join(messages)

    def _echo(self, messages, context):
        self._begin(context)
        for message in messages:
            yield message

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.stop(0).wait(60)


class Caller:
    """The four kinds of calls to a port; each returns grpc's own objects."""

    def __init__(self, port):
        self.channel = grpc.insecure_channel("127.0.0.1:%d" % port, options=[("grpc.enable_retries", 0)])
        path = "/%s/" % SERVICE
        self.unary = self.channel.unary_unary(path + "Unary")
        self.split = self.channel.unary_stream(path + "Split")
        self.join = self.channel.stream_unary(path + "Join")
        self.echo = self.channel.stream_stream(path + "Echo")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()
