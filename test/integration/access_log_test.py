#!/usr/bin/python3
"""What access logs say, as text and as JSON."""

import json
import re
import unittest

from proxy_config import direct, file_log, prefix, proxy
from weir_process import Weir, cases, free_ports
from wire import Client, Origin, fetch, response


class AccessLogs(unittest.TestCase):

    def test_the_default_line(self):
        with Origin() as origin:
            port, config = proxy(origin.port, access_log=[file_log("access.log")])
            with Weir(config) as weir:
                fetch(port, "/path?q=1", "User-Agent: tester/1", "X-Request-Id: id-1")
                line = weir.wait_file("access.log", 1)[0]
            self.assertRegex(line, r'^\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\] "GET /path\?q=1 HTTP/1\.1" 200 - 0 2 \d+ \d+ '
                             r'"-" "tester/1" "id-1" "test" "127\.0\.0\.1:%d"$' % origin.port)

    def test_text_with_operators(self):
        form = ("%REQ(X-A)% %REQ(X-MISSING?X-A)% %REQ(X-A):2% %RESP(X-B)% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS% "
                "%BYTES_RECEIVED% %BYTES_SENT% %PROTOCOL% %UPSTREAM_CLUSTER% %ROUTE_NAME% "
                "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %DOWNSTREAM_LOCAL_PORT%\n")
        with Origin(lambda request: response(201, b"four", "X-B: bee")) as origin:
            port, config = proxy(origin.port, extra={"name": "my_route"}, access_log=[
                file_log("access.log", text_format_source={"inline_string": form})])
            with Weir(config) as weir:
                with Client(port) as client:
                    client.send(b"POST / HTTP/1.1\r\nHost: h\r\nX-A: value\r\nContent-Length: 3\r\n\r\nabc")
                    client.response()
                line = weir.wait_file("access.log", 1)[0]
        self.assertEqual("value value va bee 201 via_upstream 3 4 HTTP/1.1 origin my_route 127.0.0.1 %d" % port, line)

    def test_json(self):
        form = {"path": "%REQ(:PATH)%", "status": "%RESPONSE_CODE%", "bytes": "%BYTES_SENT%", "none": "%REQ(X-NONE)%",
                "fixed": "a \"quoted\" word", "nested": {"agent": "%REQ(USER-AGENT)%"}, "mixed": "%PROTOCOL%/%RESPONSE_CODE%"}
        with Origin() as origin:
            port, config = proxy(origin.port, access_log=[file_log("access.json", json_format=form)])
            with Weir(config) as weir:
                fetch(port, '/a"b', "User-Agent: \"tab\there\" \xc3\xa9 \xff")
                line = weir.wait_file("access.json", 1)[0]
        entry = json.loads(line)
        self.assertEqual('/a"b', entry["path"])
        self.assertEqual((200, 2, None), (entry["status"], entry["bytes"], entry["none"]))
        self.assertEqual('a "quoted" word', entry["fixed"])
        self.assertTrue(entry["nested"]["agent"].startswith("\"tab\there\" \xe9"), entry)
        self.assertEqual("HTTP/1.1/200", entry["mixed"])

    def test_a_client_cannot_begin_a_line_of_its_own(self):
        with Origin() as origin:
            port, config = proxy(origin.port, access_log=[
                file_log("access.log", text_format_source={"inline_string": "%REQ(X-A)%\n"})])
            with Weir(config) as weir:
                fetch(port, "/", "X-A: one\ttwo")
                fetch(port, "/", "X-A: second")
                lines = weir.wait_file("access.log", 2)
        self.assertEqual(2, len(lines))
        # Lines of two connections may come from two workers, which keep no order between them.
        self.assertEqual({"one\ttwo", "second"}, set(lines))

    def test_filters_choose_what_is_logged(self):
        errors = file_log("errors.log", text_format_source={"inline_string": "%RESPONSE_CODE%\n"})
        errors["filter"] = {"status_code_filter": {"comparison": {"op": "GE", "value": {"default_value": 400}}}}
        flagged = file_log("flagged.log", text_format_source={"inline_string": "%RESPONSE_FLAGS%\n"})
        flagged["filter"] = {"response_flag_filter": {}}
        everything = file_log("all.log", text_format_source={"inline_string": "%RESPONSE_CODE%\n"})
        with Origin(lambda request: response(int(request.target[1:]))) as origin:
            port, config = proxy(origin.port, {}, access_log=[errors, flagged, everything])
            host = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
            host["route_config"]["virtual_hosts"][0]["domains"] = ["test"]
            with Weir(config) as weir, Client(port) as client:
                for target in ("/200", "/500", "/404"):
                    client.get(target)
                client.get("/200", host="unknown")
                self.assertEqual(["200", "500", "404", "404"], weir.wait_file("all.log", 4))
                self.assertEqual(["500", "404", "404"], weir.wait_file("errors.log", 3))
                self.assertEqual(["NR"], weir.wait_file("flagged.log", 1))

    def test_the_time_of_each_filter(self):
        fault = {"name": "late", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault",
            "delay": {"fixed_delay": "0.05s", "percentage": {"numerator": 100}}}}
        cors = {"name": "quick", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors"}}
        form = {"late": "%FILTER_DURATION(late)%", "quick": "%FILTER_DURATION(quick)%", "all": "%DURATION%"}
        histograms = {"name": "times", "typed_config": {
            "@type": "type.googleapis.com/weir.extensions.access_loggers.filter_times.v1.FilterTimes"}}
        with Origin() as origin:
            port, config = proxy(origin.port, filters=[fault, cors],
                                 access_log=[file_log("access.json", json_format=form), histograms])
            with Weir(config) as weir:
                fetch(port, "/")
                entry = json.loads(weir.wait_file("access.json", 1)[0])
                _, _, stats = weir.admin("/stats?filter=time_us")
        # The delay is counted from when the loop's turn began, the filter's time from when it was called.
        self.assertGreaterEqual(entry["late"], 40000)
        self.assertLess(entry["quick"], 50000)
        self.assertLessEqual(entry["late"] + entry["quick"], (entry["all"] + 1) * 1000)
        self.assertRegex(stats, r"filter\.late\.time_us: .*P50")
        self.assertRegex(stats, r"filter\.quick\.time_us: .*P50")

    def test_reasons_of_local_answers(self):
        log = file_log("access.log", text_format_source={"inline_string":
                                                         "%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%\n"})
        port, config = proxy(free_ports(1)[0], {"timeout": "15s"}, access_log=[log])
        manager = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
        manager["route_config"]["virtual_hosts"][0]["routes"].insert(0, direct(prefix("/direct")))
        manager["route_config"]["virtual_hosts"][0]["routes"].insert(
            0, {"match": prefix("/moved"), "redirect": {"path_redirect": "/direct"}})
        with Weir(config) as weir, Client(port) as client:
            for target in ("/direct", "/moved", "/dead"):
                client.get(target)
            lines = weir.wait_file("access.log", 3)
        self.assertEqual(["200 - direct_response", "301 - redirect"], lines[:2])
        self.assertTrue(re.fullmatch(r"503 UF upstream_connect_failure", lines[2]), lines[2])


if __name__ == "__main__":
    cases.main()
