// SanMatcher: one condition on the names that a certificate is for. Compiled at load, immutable, shared by workers.
// SubjectNames: those names, read from a certificate. dnsNameMatches: RFC 6125 section 6.4.3, strictly.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace re2 {
class RE2;
}

namespace weir::net::tls {

enum class SanType : uint8_t { kDns, kUri, kEmail, kIp, kOther };

// A name that holds a NUL, or a byte that no such name may hold, is not among them: it can match nothing.
struct SubjectNames {
  struct Name {
    SanType type;
    std::string text;  // an IP address in its canonical form
    std::string oid;   // of kOther: "1.3.6.1.4.1.311.20.2.3"
  };
  std::vector<Name> all;
};

// Whether a certificate for `pattern` is one for `name`. A wildcard stands for exactly one label, the whole first one,
// and what follows it has two labels at least. ASCII case and a final dot do not count.
bool dnsNameMatches(std::string_view pattern, std::string_view name);

class SanMatcher {
 public:
  enum class Kind : uint8_t { kExact, kPrefix, kSuffix, kContains };

  // An exact DNS name is matched as a name: the certificate may have a wildcard for it.
  SanMatcher(SanType type, Kind kind, std::string_view text, bool ignore_case, std::string_view oid = {});
  // An RE2 expression that must match the whole name.
  static absl::StatusOr<SanMatcher> regex(SanType type, std::string_view expression, std::string_view oid = {});

  bool matches(const SubjectNames& names) const;
  // For messages and for telling policies apart: `DNS exact "a.example"`.
  std::string text() const;

 private:
  bool matchesText(std::string_view name) const;

  SanType type_;
  Kind kind_ = Kind::kExact;
  bool ignore_case_ = false;
  std::string text_;
  std::string oid_;
  std::shared_ptr<const re2::RE2> regex_;  // instead of the text
};

}  // namespace weir::net::tls
