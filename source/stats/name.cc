#include "source/stats/name.h"

#include "source/base/check.h"

namespace weir::stats {
namespace {

struct Group {
  std::string_view name;
  std::string_view instance_label;
  bool instance_first;
};

constexpr Group kGroups[] = {
    {"cluster", "envoy_cluster_name", false},
    {"connection_limit", "envoy_connection_limit_prefix", false},
    {"http", "envoy_http_conn_manager_prefix", false},
    {"http_local_rate_limit", "envoy_local_http_ratelimit_prefix", true},
    {"http_local_rate_limiter", "envoy_local_http_ratelimit_prefix", true},
    {"listener", "envoy_listener_address", false},
    {"local_rate_limit", "envoy_local_ratelimit_prefix", false},
    {"tcp", "envoy_tcp_prefix", false},
    {"vhost", "envoy_virtual_host", false},
};
constexpr Group kOtherGroup = {"", "instance", false};

const Group& groupOf(const Name& name) {
  for (const Group& group : kGroups) {
    if (group.name == name.group) return group;
  }
  return kOtherGroup;
}

// Envoy's spelling of addresses, 0.0.0.0_8080 and [__1]_8080, in both forms.
void appendInstance(std::string& out, std::string_view instance) {
  for (const char c : instance) out += c == ':' ? '_' : c;
}

void appendLabel(std::string& out, std::string_view key, std::string_view value) {
  if (!out.empty()) out += ',';
  out += key;
  out += "=\"";
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace

std::string textName(const Name& name) {
  CHECK(!name.group.empty() && !name.metric.empty(), "a metric has a group and a name");
  std::string out;
  const bool instance_first = groupOf(name).instance_first && !name.instance.empty();
  if (instance_first) {
    appendInstance(out, name.instance);
    out += '.';
  }
  out += name.group;
  out += '.';
  if (!instance_first && !name.instance.empty()) {
    appendInstance(out, name.instance);
    out += '.';
  }
  out += name.metric;
  return out;
}

std::string instanceText(const Name& name) {
  std::string out;
  appendInstance(out, name.instance);
  return out;
}

std::string prometheusFamily(const Name& name) {
  std::string metric(name.metric);
  if (!name.label_value.empty()) {
    const size_t at = metric.rfind(name.label_value);
    CHECK(at != std::string::npos, "the text form of a metric contains the value of its label");
    const bool last = at + name.label_value.size() == metric.size();
    metric.erase(at, name.label_value.size());
    if (last && at > 0 && metric.back() == '_') metric.pop_back();
    if (!last && at > 0 && metric[at - 1] == '.' && metric[at] == '.') metric.erase(at, 1);
  }
  std::string out = "envoy_";
  out += name.group;
  out += '_';
  out += metric;
  for (char& c : out) {
    const bool allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (!allowed) c = '_';
  }
  return out;
}

std::string prometheusLabels(const Name& name) {
  std::string out;
  if (!name.label_key.empty()) appendLabel(out, name.label_key, name.label_value);
  if (!name.instance.empty()) {
    std::string instance;
    appendInstance(instance, name.instance);
    appendLabel(out, groupOf(name).instance_label, instance);
  }
  return out;
}

}  // namespace weir::stats
