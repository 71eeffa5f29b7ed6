#include "source/server/admin/certs_page.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "source/server/admin/quote_json.h"

namespace weir::server {
namespace {

using net::PeerCertificate;

std::string time(absl::Time at) { return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", at, absl::UTCTimeZone()); }

void appendNames(const std::vector<std::string>& names, const char* kind, std::string& out) {
  for (const std::string& name : names) {
    absl::StrAppend(&out, out.empty() ? "" : ", ", "{", quoteJson(kind), ": ", quoteJson(name), "}");
  }
}

std::string certificate(const PeerCertificate& one, absl::Time now) {
  std::string names;
  appendNames(one.dns_names, "dns", names);
  appendNames(one.uris, "uri", names);
  appendNames(one.ip_addresses, "ip_address", names);
  const int64_t days = std::max<int64_t>(0, (one.not_after - now) / absl::Hours(24));
  return absl::StrCat("{\"subject\": ", quoteJson(one.subject), ", \"serial_number\": ", quoteJson(one.serial),
                      ", \"subject_alt_names\": [", names, "], \"days_until_expiration\": \"", days,
                      "\", \"valid_from\": ", quoteJson(time(one.not_before)),
                      ", \"expiration_time\": ", quoteJson(time(one.not_after)), "}");
}

std::string list(const std::vector<PeerCertificate>& all, absl::Time now) {
  std::string out;
  for (const PeerCertificate& one : all) {
    absl::StrAppend(&out, out.empty() ? "\n    " : ",\n    ", certificate(one, now));
  }
  return out;
}

}  // namespace

std::string certsPage(const extensions::TransportSources* sources, absl::Time now) {
  std::string out = "{\"certificates\": [";
  bool first = true;
  if (sources != nullptr) {
    for (const extensions::TransportSource& source : *sources) {
      const extensions::TransportSource::Certificates& certificates = source.certificates();
      absl::StrAppend(&out, first ? "\n" : ",\n", "  {\"owner\": ", quoteJson(source.owner), ",\n   \"ca_cert\": [",
                      list(certificates.authorities, now), "],\n   \"cert_chain\": [", list(certificates.own, now),
                      "]}");
      first = false;
    }
  }
  return absl::StrCat(out, "]}\n");
}

}  // namespace weir::server
