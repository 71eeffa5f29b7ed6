// Name: what a metric is called, in the parts that its two spellings are made of. The spellings are those that people
// know from Envoy, so that dashboards and scripts keep working:
//
//   group     instance  metric             text                               Prometheus
//   cluster   backend   upstream_rq_total  cluster.backend.upstream_rq_total  envoy_cluster_upstream_rq_total
//                                                                             {envoy_cluster_name="backend"}
//   server    (empty)   live               server.live                        envoy_server_live
//   http      ingress   downstream_rq_2xx  http.ingress.downstream_rq_2xx     envoy_http_downstream_rq_xx
//     with the label envoy_response_code_class="2"                            {envoy_response_code_class="2",...}
//
// A Name only borrows its parts for the call that it is passed to.
#pragma once

#include <string>
#include <string_view>

namespace weir::stats {

struct Name {
  std::string_view group;     // "cluster", "http", "listener", "tcp", "server", ...; never empty
  std::string_view instance;  // a name or an address from the configuration; may be empty
  std::string_view metric;    // as in the text form, with the unit at its end if it has one; never empty
  // An optional label for Prometheus. Its value is a part of `metric`, and is cut out of the Prometheus name, with the
  // '_' before it if it stands at the end: ("envoy_response_code", "200") makes upstream_rq_200 upstream_rq. Between
  // two dots it leaves one: ("envoy_grpc_method", "a.B.Get") makes grpc.a.B.Get.total grpc_total.
  std::string_view label_key = {};
  std::string_view label_value = {};
};

// "group.instance.metric"; a ':' in the instance becomes '_'. Local rate limits put the instance first, as Envoy does.
std::string textName(const Name& name);
// The instance as both forms have it.
std::string instanceText(const Name& name);
// "envoy_group_metric" with every character that Prometheus does not allow replaced by '_'.
std::string prometheusFamily(const Name& name);
// `key="value",key="value"`, escaped; empty if there is no label. The key of the instance depends on the group.
std::string prometheusLabels(const Name& name);

}  // namespace weir::stats
