#!/usr/bin/python3
"""What a request is said to be, http or https: as the client says, as it goes on to the upstream, or always the same."""

from proxy_config import cluster, config, direct, hcm, listener, prefix, to_cluster
from tls_world import CertsCase
from weir_process import Weir, cases, free_ports
from wire import Client, Origin, response


class Scheme(CertsCase):

    def test_the_scheme_is_that_of_the_client_or_of_the_upstream_or_always_the_same(self):
        shown = [{"header": {"key": "x-scheme", "value": "%REQ(:SCHEME)% %REQ(X-FORWARDED-PROTO)%"}}]
        for transformation, schemes in (({}, "http https http https"), ({"match_upstream": True}, "http http https https"),
                                        ({"scheme_to_overwrite": "https"}, "https https https https"),
                                        ({"scheme_to_overwrite": "http", "match_upstream": True}, "http http http http")):
            with self.subTest(transformation), Origin(lambda _: response()) as origin:
                front, secure = free_ports(2)
                routes = [to_cluster(prefix("/" + name), name, {"response_headers_to_add": shown}) for name in ("plain", "tls")]
                options = {"scheme_header_transformation": transformation} if transformation else {}
                back = listener("back", secure, hcm("back", [direct(prefix("/"))]))
                back["filter_chains"][0]["transport_socket"] = self.certs.server()
                clusters = [cluster("plain", origin.port),
                            cluster("tls", secure, transport_socket=self.certs.client(sni="localhost"))]
                configuration = config([listener("front", front, hcm("front", routes, **options)), back], clusters)
                with Weir(configuration), Client(front) as client:
                    seen = []
                    for target in (b"/plain", b"https://h/plain", b"/tls", b"https://h/tls"):
                        client.send(b"GET %s HTTP/1.1\r\nhost: h\r\n\r\n" % target)
                        seen.append(client.response().get("x-scheme").split(" "))
                self.assertEqual(schemes, " ".join(scheme for scheme, _ in seen))
                self.assertEqual({transformation.get("scheme_to_overwrite", "http")}, {proto for _, proto in seen})


if __name__ == "__main__":
    cases.main()
