#!/usr/bin/python3
"""Requests whose framing is wrong or doubtful: refused with 400 and a close, and nothing of them goes upstream."""

import unittest

from proxy_config import proxy
from weir_process import Weir, cases, wait_until
from wire import Client, Ended, Origin, fetch, response

_CHUNKED = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"


def with_fields(*lines, method=b"POST", target=b"/", version=b"HTTP/1.1", host=b"Host: h", body=b"hello"):
    return b"\r\n".join([method + b" " + target + b" " + version, host, *lines]) + b"\r\n\r\n" + body


# T1: header names and values, Content-Length and Transfer-Encoding.
_HEADERS = {
    "content_length_and_chunked": with_fields(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "chunked_and_content_length": with_fields(b"Transfer-Encoding: chunked", b"Content-Length: 5", body=b"0\r\n\r\n"),
    "two_different_lengths": with_fields(b"Content-Length: 5", b"Content-Length: 6"),
    "a_list_of_different_lengths": with_fields(b"Content-Length: 5, 6"),
    "signed_length": with_fields(b"Content-Length: +5"),
    "negative_length": with_fields(b"Content-Length: -5"),
    "hexadecimal_length": with_fields(b"Content-Length: 0x5"),
    "length_with_a_space_inside": with_fields(b"Content-Length: 5 5"),
    "length_with_an_underscore": with_fields(b"Content-Length: 5_0"),
    "length_that_is_no_number": with_fields(b"Content-Length: five"),
    "empty_length": with_fields(b"Content-Length: "),
    "length_beyond_64_bits": with_fields(b"Content-Length: 99999999999999999999"),
    "space_before_the_colon": with_fields(b"Content-Length : 5"),
    "tab_before_the_colon": with_fields(b"Content-Length\t: 5"),
    "space_before_the_name": with_fields(b" Content-Length: 5"),
    "folded_line": with_fields(b"X-A: 1\r\n folded", b"Content-Length: 5"),
    "folded_with_a_tab": with_fields(b"X-A: 1\r\n\tfolded", b"Content-Length: 5"),
    "empty_name": with_fields(b": value", b"Content-Length: 5"),
    "line_without_a_colon": with_fields(b"Content-Length", b"Content-Length: 5"),
    "nul_in_a_value": with_fields(b"X-A: a\0b", b"Content-Length: 5"),
    "nul_in_a_name": with_fields(b"X\0A: b", b"Content-Length: 5"),
    "bare_cr_in_a_value": with_fields(b"X-A: a\rb", b"Content-Length: 5"),
    "bare_lf_ends_a_line": b"POST / HTTP/1.1\r\nHost: h\nContent-Length: 5\r\n\r\nhello",
    "bare_lf_ends_the_head": b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\n\nhello",
    "bare_lf_ends_the_request_line": b"POST / HTTP/1.1\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
    "bracket_in_a_name": with_fields(b"X[A]: b", b"Content-Length: 5"),
    "a_byte_above_127_in_a_name": with_fields(b"X\xe9: b", b"Content-Length: 5"),
    "unknown_transfer_coding": with_fields(b"Transfer-Encoding: zip", body=b"0\r\n\r\n"),
    "gzip_and_chunked": with_fields(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"),
    "chunked_twice": with_fields(b"Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n"),
    "chunked_in_two_lines": with_fields(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "chunked_and_identity": with_fields(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", body=b"0\r\n\r\n"),
    "chunked_after_a_vertical_tab": with_fields(b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n"),
    "quoted_chunked": with_fields(b"Transfer-Encoding: \"chunked\"", body=b"0\r\n\r\n"),
    "empty_transfer_encoding": with_fields(b"Transfer-Encoding: ", body=b"0\r\n\r\n"),
    "no_host": b"GET / HTTP/1.1\r\n\r\n",
    "two_hosts": with_fields(b"Host: other", method=b"GET", body=b""),
    "empty_host": with_fields(host=b"Host: ", method=b"GET", body=b""),
    "host_with_a_comma": with_fields(host=b"Host: a,b", method=b"GET", body=b""),
    "host_with_a_slash": with_fields(host=b"Host: a/b", method=b"GET", body=b""),
    "host_with_user_information": with_fields(host=b"Host: user@a", method=b"GET", body=b""),
    "host_with_a_bad_port": with_fields(host=b"Host: a:99999", method=b"GET", body=b""),
}

# T2: the request line and its target.
_REQUEST_LINES = {
    "fragment_in_the_target": with_fields(method=b"GET", target=b"/a#b", body=b""),
    "space_in_the_target": with_fields(method=b"GET", target=b"/a b", body=b""),
    "tab_between_the_words": b"GET\t/\tHTTP/1.1\r\nHost: h\r\n\r\n",
    "two_spaces_before_the_version": b"GET /  HTTP/1.1\r\nHost: h\r\n\r\n",
    "two_spaces_before_the_target": b"GET  / HTTP/1.1\r\nHost: h\r\n\r\n",
    "nul_in_the_target": with_fields(method=b"GET", target=b"/a\0b", body=b""),
    "control_byte_in_the_target": with_fields(method=b"GET", target=b"/a\x01b", body=b""),
    "target_without_a_slash": with_fields(method=b"GET", target=b"a", body=b""),
    "asterisk_for_get": with_fields(method=b"GET", target=b"*", body=b""),
    "method_with_a_bracket": with_fields(method=b"G[T", body=b""),
    "empty_method": with_fields(method=b"", body=b""),
    "no_version": b"GET /\r\nHost: h\r\n\r\n",
    "version_in_lower_case": with_fields(method=b"GET", version=b"http/1.1", body=b""),
    "version_with_a_second_digit": with_fields(method=b"GET", version=b"HTTP/1.11", body=b""),
    "bytes_behind_the_version": with_fields(method=b"GET", version=b"HTTP/1.1 x", body=b""),
    "comma_in_the_authority": with_fields(method=b"GET", target=b"http://a,b/", body=b""),
    "user_information_in_the_authority": with_fields(method=b"GET", target=b"http://u@a/", body=b""),
    "another_protocol": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "the_preface_of_another_version": b"PRI * HTTP/1.2\r\n\r\nSM\r\n\r\n",
}

# T3 and T8: chunks and trailers. The head has gone upstream before these show, but the message must not end there.
_CHUNKS = {
    "size_of_17_digits": b"00000000000000005\r\nhello\r\n0\r\n\r\n",
    "size_with_0x": b"0x5\r\nhello\r\n0\r\n\r\n",
    "size_with_a_sign": b"+5\r\nhello\r\n0\r\n\r\n",
    "negative_size": b"-5\r\nhello\r\n0\r\n\r\n",
    "size_with_an_underscore": b"0_5\r\nhello\r\n0\r\n\r\n",
    "size_with_a_space_before": b" 5\r\nhello\r\n0\r\n\r\n",
    "size_with_a_space_behind": b"5 \r\nhello\r\n0\r\n\r\n",
    "empty_size": b"\r\nhello\r\n0\r\n\r\n",
    "size_that_is_no_number": b"five\r\nhello\r\n0\r\n\r\n",
    "size_line_ends_with_lf": b"5\nhello\r\n0\r\n\r\n",
    "extension_ends_with_lf": b"5;a=b\nhello\r\n0\r\n\r\n",
    "bare_cr_in_an_extension": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "extension_with_an_open_quote": b"5;a=\"b\r\nhello\r\n0\r\n\r\n",
    "data_longer_than_the_size": b"4\r\nhello\r\n0\r\n\r\n",
    "data_ends_with_lf": b"5\r\nhello\n0\r\n\r\n",
    "data_ends_with_nothing": b"5\r\nhello0\r\n\r\n",
    "trailer_with_a_space_before_the_colon": b"5\r\nhello\r\n0\r\nX : 1\r\n\r\n",
    "trailer_without_a_colon": b"5\r\nhello\r\n0\r\nX\r\n\r\n",
    "trailer_ends_with_lf": b"5\r\nhello\r\n0\r\nX: 1\n\r\n",
    "folded_trailer": b"5\r\nhello\r\n0\r\nX: 1\r\n 2\r\n\r\n",
}


class Framing(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.seen = []
        cls.ended = 0
        cls.origin = Origin(serve=cls.record)
        cls.port, config = proxy(cls.origin.port)
        cls.weir = Weir(config, ["--concurrency", "1"])

    @classmethod
    def record(cls, wire):
        """Keeps the bytes of each request, whole or broken off, and answers the whole ones."""
        try:
            while True:
                cls.seen.append(wire.request().raw)
                wire.send(response())
        except Ended:
            cls.seen.append(bytes(wire.taken))
        finally:
            cls.ended += 1

    def upstream(self):
        """All bytes that went upstream, when what weir has closed is closed there as well."""
        wait_until(lambda: self.weir.stats()["cluster.origin.upstream_cx_destroy"] <= self.ended, "the origin has read all")
        return b"".join(self.seen)

    @classmethod
    def tearDownClass(cls):
        try:
            cls.weir.stop()
        finally:
            cls.weir.kill()
            cls.origin.close()

    def refused(self, data):
        """Sends the bytes and a second request behind them: one 400, then the end. Returns what went upstream."""
        del self.seen[:]
        with Client(self.port) as client:
            client.send(data + b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n")
            answer = client.response()
            self.assertEqual(400, answer.status, answer)
            self.assertEqual("close", answer.get("connection"))
            self.assertEqual(b"", client.rest())
        self.assertEqual(200, fetch(self.port, "/after").status)
        return self.upstream()

    def test_refuses_bad_headers_and_sends_none_of_them_upstream(self):
        for name, data in _HEADERS.items():
            with self.subTest(name):
                upstream = self.refused(data)
                self.assertEqual(1, upstream.count(b" HTTP/1.1\r\n"), upstream)
                self.assertIn(b"GET /after ", upstream)

    def test_refuses_bad_request_lines_and_sends_none_of_them_upstream(self):
        for name, data in _REQUEST_LINES.items():
            with self.subTest(name):
                if name == "the_preface_of_another_version":
                    with Client(self.port) as client:
                        client.send(data)
                        self.assertIn(client.response().status, (400, 505))
                        self.assertEqual(b"", client.rest())
                    continue
                upstream = self.refused(data)
                self.assertEqual(1, upstream.count(b" HTTP/1.1\r\n"), upstream)

    def test_refuses_bad_chunks_and_ends_no_message_upstream(self):
        for name, body in _CHUNKS.items():
            with self.subTest(name):
                upstream = self.refused(_CHUNKED + body)
                self.assertNotIn(b"smuggled", upstream)
                for mine in self.seen:
                    self.assertFalse(b"POST / " in mine and mine.endswith(b"0\r\n\r\n"), mine)

    def test_the_framing_is_written_anew(self):
        """What reaches the upstream is weir's own framing, whatever the client's looked like."""
        del self.seen[:]
        with Client(self.port) as client:
            client.send(b"POST /mine HTTP/1.1\r\nhOST: h\r\nTRANSFER-encoding:\tChunked \r\n\r\n"
                        b"0000005;ext=\"a\\\"b\"\r\nhello\r\n000;last\r\n\r\n")
            self.assertEqual(200, client.response().status)
        upstream = self.upstream()
        self.assertEqual(1, upstream.lower().count(b"transfer-encoding: chunked\r\n"))
        self.assertNotIn(b"ext", upstream.split(b"\r\n\r\n", 1)[1])
        self.assertTrue(upstream.endswith(b"5\r\nhello\r\n0\r\n\r\n"), upstream)

    def test_equal_lengths_in_a_list_are_one_or_refused(self):
        """RFC 9112 6.3 allows either; what must not be is two lengths upstream."""
        del self.seen[:]
        with Client(self.port) as client:
            client.send(with_fields(b"Content-Length: 5", b"Content-Length: 5"))
            status = client.response().status
        self.assertIn(status, (200, 400))
        upstream = self.upstream().lower()
        self.assertEqual(1 if status == 200 else 0, upstream.count(b"content-length:"))

    def test_an_unread_body_is_never_taken_for_a_request(self):
        """T7: a local reply leaves the body unread; it is drained or the connection closes."""
        port, config = proxy(self.origin.port)
        hcm = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
        hcm["route_config"]["virtual_hosts"][0]["routes"].insert(
            0, {"match": {"prefix": "/local"}, "direct_response": {"status": 200}})
        smuggled = b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
        del self.seen[:]
        with Weir(config):
            for size in (len(smuggled), 1 << 20):
                body = smuggled + b"x" * (size - len(smuggled))
                with Client(port) as client:
                    client.send(b"POST /local HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % size)
                    self.assertEqual(200, client.response().status)
                    try:
                        client.send(body)
                        client.send(b"GET /local HTTP/1.1\r\nHost: h\r\n\r\n")
                        client.shut()
                    except OSError:
                        pass
                    rest = client.rest()
                    self.assertLessEqual(rest.count(b"HTTP/1.1 200"), 1)
        self.assertNotIn(b"smuggled", b"".join(self.seen))

    def test_get_with_expect_and_no_body_is_an_ordinary_request(self):
        with Client(self.port) as client:
            answer = client.get("/expect", "Expect: 100-continue")
            while answer.status == 100:
                answer = client.response()
            self.assertEqual(200, answer.status)
            self.assertEqual(200, client.get("/next").status)

    def test_another_expectation_is_refused(self):
        with Client(self.port) as client:
            self.assertEqual(417, client.get("/expect", "Expect: miracles").status)


if __name__ == "__main__":
    cases.main()
