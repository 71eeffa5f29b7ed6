#include "source/server/admin/admin_pages.h"

#include <algorithm>
#include <memory>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "re2/re2.h"
#include "source/base/log.h"
#include "source/base/strings.h"
#include "source/config/dump.h"
#include "source/http/authority.h"
#include "source/server/admin/certs_page.h"
#include "source/server/admin/clusters_page.h"
#include "source/server/admin/endpoint_samples.h"
#include "source/server/admin/quote_json.h"
#include "source/stats/render_json.h"
#include "source/stats/render_prometheus.h"
#include "source/stats/render_text.h"

namespace weir::server {
namespace {

constexpr std::string_view kJsonType = "application/json";

AdminResponse text(uint16_t status, std::string body) {
  AdminResponse response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

AdminResponse json(std::string body) {
  AdminResponse response;
  response.body = std::move(body);
  response.content_type = kJsonType;
  return response;
}

AdminResponse badFormat(std::string_view format, std::string_view allowed) {
  return text(400, absl::StrCat("format \"", base::av(format), "\"; allowed: ", base::av(allowed), "\n"));
}

// A name can be made to lead anywhere by whoever owns it; an address and localhost cannot.
bool isAddressOrLocalhost(std::string_view authority) {
  const std::string_view host = http::stripPort(authority);
  if (host == "localhost" || (!host.empty() && host.front() == '[')) return true;
  return net::Address::parseIp(host, 0).ok();
}

// Whether a page of another host sent this request through somebody's browser.
bool fromAnotherSite(const AdminRequest& request) {
  if (!request.origin) return false;
  const std::string_view origin = *request.origin;
  const size_t scheme = origin.find("://");
  if (scheme == std::string_view::npos) return true;  // "null": a page without a host
  const std::string_view host = origin.substr(scheme + 3);
  return host != request.authority || !isAddressOrLocalhost(host);
}

std::string duration(absl::Duration d) { return absl::StrCat(absl::ToInt64Seconds(d), "s"); }

}  // namespace

const AdminPages::Page AdminPages::kPages[] = {
    {"/", Methods::kGet, "this list", &AdminPages::help},
    {"/certs", Methods::kGet, "certificates of listeners and clusters, with their expiry", &AdminPages::certs},
    {"/clusters", Methods::kBoth,
     "clusters with their hosts (?format=json); POST ?cluster=C&host=H&weight=N or &drain=B", &AdminPages::clusters},
    {"/config_dump", Methods::kGet, "the configuration as it was loaded", &AdminPages::configDump},
    {"/help", Methods::kGet, "this list", &AdminPages::help},
    {"/listeners", Methods::kGet, "listeners with their addresses (?format=json)", &AdminPages::listeners},
    {"/logging", Methods::kBoth, "the log level; POST ?level=debug changes it", &AdminPages::logging},
    {"/quitquitquit", Methods::kPost, "shut down: let requests finish, then end", &AdminPages::quit},
    {"/ready", Methods::kGet, "200 LIVE, or 503 DRAINING while shutting down", &AdminPages::ready},
    {"/reset_counters", Methods::kPost, "let all counters begin at 0 again", &AdminPages::resetCounters},
    {"/server_info", Methods::kGet, "version, state, uptime and options", &AdminPages::serverInfo},
    {"/stats", Methods::kGet, "all numbers (?format=json|prometheus, ?filter=REGEX, ?usedonly)", &AdminPages::stats},
    {"/stats/prometheus", Methods::kGet, "the same for Prometheus (?filter=REGEX, ?usedonly)", &AdminPages::prometheus},
};

std::string AdminPages::listOfPages() {
  std::string list;
  for (const Page& page : kPages) {
    std::string line = absl::StrCat("  ", base::av(page.path));
    line.resize(22, ' ');
    absl::StrAppend(&list, line, page.methods == Methods::kPost ? "(POST) " : "", base::av(page.help), "\n");
  }
  return list;
}

AdminResponse AdminPages::answer(const AdminRequest& request) const {
  const auto allows = [&request](const filter::StringMatcher& matcher) { return matcher.matches(request.target); };
  if (!view_.allowed.empty() && std::none_of(view_.allowed.begin(), view_.allowed.end(), allows)) {
    return text(403, absl::StrCat(request.target, " is not among admin.allow_paths\n"));
  }
  for (const Page& page : kPages) {
    if (page.path != request.path) continue;
    const bool get = request.method == "GET" || request.method == "HEAD";
    const bool post = request.method == "POST";
    const bool allowed = (get && page.methods != Methods::kPost) || (post && page.methods != Methods::kGet);
    if (!allowed) {
      const std::string_view allow = page.methods == Methods::kGet    ? "GET, HEAD"
                                     : page.methods == Methods::kPost ? "POST"
                                                                      : "GET, HEAD, POST";
      AdminResponse response =
          text(405, absl::StrCat(request.method, " ", base::av(page.path), "; allowed: ", base::av(allow), "\n"));
      response.allow = allow;
      return response;
    }
    if (post && fromAnotherSite(request)) {
      return text(403, absl::StrCat("the page at ", *request.origin, " may not change anything here\n"));
    }
    return (this->*page.handler)(request);
  }
  return text(404, absl::StrCat("there is no page ", request.path, "; these are there:\n", listOfPages()));
}

AdminResponse AdminPages::help(const AdminRequest&) const {
  return text(200, absl::StrCat("weir ", base::av(view_.version), ", admin pages:\n", listOfPages()));
}

AdminResponse AdminPages::ready(const AdminRequest&) const {
  const std::string_view state = view_.state();
  return text(state == "LIVE" ? 200 : 503, absl::StrCat(base::av(state), "\n"));
}

AdminResponse AdminPages::certs(const AdminRequest&) const {
  return json(certsPage(view_.transports, view_.clock.wall()));
}

AdminResponse AdminPages::stats(const AdminRequest& request) const {
  return renderStats(request, request.has("format") ? request.value("format") : "text");
}

AdminResponse AdminPages::prometheus(const AdminRequest& request) const { return renderStats(request, "prometheus"); }

AdminResponse AdminPages::renderStats(const AdminRequest& request, std::string_view format) const {
  stats::Selection selection;
  selection.used_only = request.has("usedonly");
  if (request.has("filter")) {
    const std::string_view expression = request.value("filter");
    re2::RE2::Options options;
    options.set_log_errors(false);
    const auto regex =
        std::make_shared<const re2::RE2>(re2::StringPiece(expression.data(), expression.size()), options);
    if (!regex->ok()) {
      return text(400, absl::StrCat("filter \"", base::av(expression), "\": ", regex->error(),
                                    "; allowed: an RE2 expression\n"));
    }
    selection.filter = [regex](std::string_view name) {
      return re2::RE2::PartialMatch(re2::StringPiece(name.data(), name.size()), *regex);
    };
  }
  if (format != "text" && format != "json" && format != "prometheus") {
    return badFormat(format, "text, json, prometheus");
  }
  view_.refresh_gauges();
  std::vector<stats::Sample> samples = view_.stats.read(selection);
  if (view_.hosts != nullptr) addEndpointSamples(*view_.hosts, selection, samples);
  if (format == "text") return text(200, stats::renderText(samples));
  if (format == "json") return json(stats::renderJson(samples));
  AdminResponse response = text(200, stats::renderPrometheus(std::move(samples)));
  response.content_type = stats::kPrometheusContentType;
  return response;
}

AdminResponse AdminPages::configDump(const AdminRequest&) const {
  return json(absl::StrCat("{\"configs\":[{\"@type\":\"type.googleapis.com/envoy.admin.v3.BootstrapConfigDump\",\n",
                           "\"bootstrap\":", config::toJson(view_.bootstrap), "}]}\n"));
}

AdminResponse AdminPages::clusters(const AdminRequest& request) const {
  if (request.method == "POST") return changeHost(request);
  const std::string_view format = request.value("format");
  if (format == "json") return json(clustersJson(view_));
  if (!format.empty() && format != "text") return badFormat(format, "text, json");
  return text(200, clustersText(view_));
}

// weight=0 gives the host back what discovery says; drain=true lets it finish what it has and gives it nothing new.
AdminResponse AdminPages::changeHost(const AdminRequest& request) const {
  upstream::ClusterHosts* const cluster = view_.hosts->find(request.value("cluster"));
  if (cluster == nullptr)
    return text(404, absl::StrCat("there is no cluster ", base::av(request.value("cluster")), "\n"));
  const upstream::HostEntry* const entry = cluster->findByText(request.value("host"));
  if (entry == nullptr) return text(404, absl::StrCat("there is no host ", base::av(request.value("host")), "\n"));
  const std::string_view drain = request.value("drain");
  uint32_t weight = 0;
  const bool weighed = request.has("weight");
  if (weighed && !absl::SimpleAtoi(base::av(request.value("weight")), &weight)) {
    return text(400, absl::StrCat("weight \"", base::av(request.value("weight")), "\"; allowed: 0 to 4294967295\n"));
  }
  if (request.has("drain") ? drain != "true" && drain != "false" : !weighed) {
    return text(400, "nothing to change; allowed: weight=N, drain=true, drain=false\n");
  }
  const upstream::Host& host = *entry->host;
  if (weighed) cluster->setWeight(host, weight);
  if (request.has("drain")) cluster->setFlag(host, upstream::HealthFlag::kDrainingAdmin, drain == "true");
  return text(200, "OK\n");
}

AdminResponse AdminPages::listeners(const AdminRequest& request) const {
  const std::string_view format = request.value("format");
  std::string lines;
  std::string statuses;
  for (const AdminView::Listener& listener : view_.listeners) {
    for (const net::Address& address : listener.addresses) {
      absl::StrAppend(&lines, listener.name, "::", address.text(), "\n");
    }
    absl::StrAppend(&statuses, statuses.empty() ? "" : ",", "{\"name\":", quoteJson(listener.name),
                    ",\"local_address\":", addressJson(listener.addresses.front()));
    for (size_t i = 1; i < listener.addresses.size(); ++i) {
      absl::StrAppend(&statuses, i == 1 ? ",\"additional_local_addresses\":[" : ",",
                      addressJson(listener.addresses[i]));
    }
    absl::StrAppend(&statuses, listener.addresses.size() > 1 ? "]}" : "}");
  }
  if (format == "json") return json(absl::StrCat("{\"listener_statuses\":[", statuses, "]}\n"));
  if (!format.empty() && format != "text") return badFormat(format, "text, json");
  return text(200, std::move(lines));
}

AdminResponse AdminPages::serverInfo(const AdminRequest&) const {
  const std::string uptime = duration(view_.clock.monotonic() - view_.started);
  std::string options;
  for (const auto& [name, value] : view_.options) {
    absl::StrAppend(&options, options.empty() ? "" : ",", quoteJson(name), ":", quoteJson(value));
  }
  return json(absl::StrCat("{\"version\":", quoteJson(view_.version), ",\"state\":\"", base::av(view_.state()),
                           "\",\"uptime_current_epoch\":\"", uptime, "\",\"uptime_all_epochs\":\"", uptime,
                           "\",\"concurrency\":", view_.concurrency, ",\"node\":{\"id\":", quoteJson(view_.node_id),
                           ",\"cluster\":", quoteJson(view_.node_cluster),
                           view_.node_metadata.empty() ? "" : ",\"metadata\":", view_.node_metadata,
                           "},\"command_line_options\":{", options, "}}\n"));
}

AdminResponse AdminPages::logging(const AdminRequest& request) const {
  if (request.method == "POST") {
    const std::string_view level = request.value("level");
    if (!base::setLogLevel(level)) {
      return text(400, absl::StrCat("level \"", base::av(level),
                                    "\"; allowed: trace, debug, info, warning, error, critical, off\n"));
    }
    LOG(kInfo, "log level ", base::av(level), ", set through the admin endpoint");
  }
  return text(200, absl::StrCat("level: ", base::av(base::logLevelName(base::logLevel())), "\n"));
}

AdminResponse AdminPages::quit(const AdminRequest&) const {
  view_.shut_down();
  return text(200, "OK\n");
}

AdminResponse AdminPages::resetCounters(const AdminRequest&) const {
  view_.stats.resetCounters();
  return text(200, "OK\n");
}

}  // namespace weir::server
