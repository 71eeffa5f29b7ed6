"""HTTP/1.1 as bytes: a client that sends what it is told, and an origin whose answers a test scripts."""

import inspect
import socket
import threading

from weir_process import LIMIT, readable


class Message:
    """One request or response as it came: start line, fields in order, body, and all of its bytes."""

    def __init__(self, raw_head, raw_body, body, trailers):
        lines = raw_head.decode("latin-1").split("\r\n")
        self.start = lines[0]
        self.fields = [tuple(line.split(": ", 1)) if ": " in line else (line.rstrip(":"), "") for line in lines[1:] if line]
        self.raw = raw_head + raw_body
        self.body = body
        self.trailers = trailers

    @property
    def status(self):
        return int(self.start.split(" ")[1])

    @property
    def method(self):
        return self.start.split(" ")[0]

    @property
    def target(self):
        return self.start.split(" ")[1]

    def all(self, name):
        """The values of a header, in order."""
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name):
        values = self.all(name)
        return ", ".join(values) if values else None

    def names(self):
        return [key.lower() for key, _ in self.fields]

    def __repr__(self):
        return "<%s %s %d bytes>" % (self.start, self.fields, len(self.body))


class Ended(Exception):
    """The peer closed before a message was whole."""


class Wire:
    """A connected socket with a buffer; reads messages off it."""

    def __init__(self, sock):
        self.socket = sock
        self.socket.settimeout(LIMIT)
        self.buffer = b""
        self.taken = None  # the bytes of the message that is being read, or was last

    def send(self, data):
        self.socket.sendall(data)

    def close(self):
        self.socket.close()

    def reset(self):
        """Closes with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def shut(self):
        """Ends the sending half."""
        self.socket.shutdown(socket.SHUT_WR)

    def _more(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            if self.taken is not None:
                self.taken += self.buffer
            raise Ended(self.buffer)
        self.buffer += data

    def exactly(self, count):
        while len(self.buffer) < count:
            self._more()
        return self._take(count)

    def until(self, mark):
        while mark not in self.buffer:
            self._more()
        return self._take(self.buffer.index(mark) + len(mark))

    def _take(self, count):
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        if self.taken is not None:
            self.taken += data
        return data

    def rest(self):
        """All bytes up to the end of the connection."""
        try:
            while True:
                self._more()
        except Ended:
            data, self.buffer = self.buffer, b""
            return data

    def ended(self):
        """Waits for the end; false if bytes come first."""
        return self.rest() == b""

    def silent(self, seconds=0.2):
        """Nothing comes for a moment: neither bytes nor an end."""
        return not self.buffer and not readable(self.socket, seconds)

    def _chunked(self):
        raw = body = b""
        while True:
            line = self.until(b"\r\n")
            raw += line
            size = int(line.split(b";")[0], 16)
            if size == 0:
                break
            piece = self.exactly(size + 2)
            raw += piece
            body += piece[:-2]
        trailers = []
        while True:
            line = self.until(b"\r\n")
            raw += line
            if line == b"\r\n":
                return raw, body, trailers
            name, value = line.decode("latin-1").rstrip("\r\n").split(": ", 1)
            trailers.append((name, value))

    def _message(self, has_body, to_end):
        self.taken = b""
        head = self.until(b"\r\n\r\n")
        message = Message(head, b"", b"", [])
        if not has_body(message):
            return message
        if message.get("transfer-encoding") == "chunked":
            raw, body, trailers = self._chunked()
            return Message(head, raw, body, trailers)
        length = message.get("content-length")
        if length is not None:
            body = self.exactly(int(length))
        else:
            body = self.rest() if to_end else b""
        return Message(head, body, body, [])

    def request(self):
        return self._message(lambda message: True, to_end=False)

    def response(self, to_head=False):
        def has_body(message):
            return not to_head and message.status >= 200 and message.status not in (204, 304)
        return self._message(has_body, to_end=True)


class Client(Wire):
    """A connection to weir."""

    def __init__(self, address, receive_buffer=None):
        if isinstance(address, int):
            address = ("127.0.0.1", address)
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(LIMIT)
        sock.connect(address)
        super().__init__(sock)

    def get(self, target="/", *fields, method="GET", host="test"):
        """Sends a request without a body; fields are whole lines."""
        lines = ["%s %s HTTP/1.1" % (method, target), "Host: " + host, *fields]
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        return self.response(to_head=method == "HEAD")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def fetch(address, target="/", *fields, method="GET"):
    """One request on a connection of its own."""
    with Client(address) as client:
        return client.get(target, *fields, method=method)


def response(status=200, body=b"ok", *fields, reason="Fine"):
    """The bytes of a response with a Content-Length."""
    lines = ["HTTP/1.1 %d %s" % (status, reason), *fields, "Content-Length: %d" % len(body)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


class Origin:
    """A server on a port that the kernel picks.

    `answer` is called with each request and returns the bytes to send; with a Wire and the request where it takes
    two arguments, and does as it likes. `serve` instead takes over each connection whole.
    """

    def __init__(self, answer=None, serve=None, backlog=64, port=0, address=None):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self._listening = socket.socket(family, socket.SOCK_STREAM)
        if family == socket.AF_INET:
            self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listening.bind(address or ("127.0.0.1", port))
        self._listening.listen(backlog)
        self.port = None if family == socket.AF_UNIX else self._listening.getsockname()[1]
        self.requests = []
        self.connections = 0
        self._open = []
        self._serve = serve or self._loop
        self._answer = answer or (lambda request: response())
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self._listening.accept()
            except OSError:
                return
            wire = Wire(sock)
            with self._lock:
                self.connections += 1
                self._open.append(wire)
            threading.Thread(target=self._run, args=(wire,), daemon=True).start()

    def _run(self, wire):
        try:
            self._serve(wire)
        except (Ended, OSError):
            pass
        finally:
            wire.close()

    def _loop(self, wire):
        whole = len(inspect.signature(self._answer).parameters)
        while True:
            request = wire.request()
            with self._lock:
                self.requests.append(request)
            if whole == 2:
                self._answer(wire, request)
            else:
                wire.send(self._answer(request))

    def close(self):
        # shutdown() wakes the thread that is in accept().
        try:
            self._listening.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listening.close()
        with self._lock:
            for wire in self._open:
                try:
                    wire.socket.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
