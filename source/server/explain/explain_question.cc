#include "source/server/explain/explain_question.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "source/base/strings.h"
#include "source/http/authority.h"

namespace weir::server {
namespace {

using base::av;

absl::Status wrong(std::string_view what, std::string_view seen) {
  return absl::InvalidArgumentError(absl::StrCat(av(what), ": \"", av(seen), "\""));
}

// "https://host[:port][/path]".
absl::Status parseUrl(std::string_view url, Question& question) {
  const size_t colon = url.find("://");
  if (colon == std::string_view::npos) return wrong("not a URL; allowed: http://host/path or https://host/path", url);
  question.scheme = absl::AsciiStrToLower(av(url.substr(0, colon)));
  if (question.scheme != "http" && question.scheme != "https") return wrong("the scheme is http or https", url);
  const std::string_view rest = url.substr(colon + 3);
  const size_t slash = std::min(rest.find_first_of("/?"), rest.size());
  question.authority = rest.substr(0, slash);
  question.path = rest.substr(slash);
  question.path.resize(std::min(question.path.size(), question.path.find('#')));
  if (question.path.empty() || question.path[0] != '/') question.path.insert(0, "/");
  question.port = question.scheme == "https" ? 443 : 80;
  return absl::OkStatus();
}

absl::Status addHeader(std::string_view line, Question& question) {
  const size_t colon = line.find(':', 1);
  if (colon == std::string_view::npos) return wrong("not a header; allowed: 'name: value'", line);
  std::string name = absl::AsciiStrToLower(absl::StripAsciiWhitespace(av(line.substr(0, colon))));
  std::string value(absl::StripAsciiWhitespace(av(line.substr(colon + 1))));
  if (name == "host") {
    question.authority = std::move(value);
  } else {
    question.headers.emplace_back(std::move(name), std::move(value));
  }
  return absl::OkStatus();
}

}  // namespace

void Question::fill(http::Head& head) const {
  base::Arena& arena = head.arena();
  head.method = arena.copy(method);
  head.scheme = scheme == "https" ? "https" : "http";
  head.authority = arena.copy(authority);
  head.path = arena.copy(path);
  for (const auto& [name, value] : headers) {
    if (name == "upgrade") {
      head.upgrade = arena.copyLower(value);
    } else if (name != "connection") {
      head.headers.add(name, value);
    }
  }
}

absl::StatusOr<Question> parseQuestion(std::string_view words, const std::vector<std::string>& headers) {
  Question question;
  const size_t space = words.find(' ');
  std::string_view target = words;
  if (space != std::string_view::npos) {
    question.method = absl::AsciiStrToUpper(av(words.substr(0, space)));
    target = base::sv(absl::StripAsciiWhitespace(av(words.substr(space + 1))));
  }
  if (question.method == "CONNECT" && target.find("://") == std::string_view::npos) {
    question.scheme = "http";
    question.authority = target;
  } else if (absl::Status status = parseUrl(target, question); !status.ok()) {
    return status;
  }
  const auto dialled = http::parseAuthority(question.authority);
  if (!dialled) return wrong("no host is named; allowed: a name or an address, with a port or without", words);
  if (dialled->port && question.method != "CONNECT") question.port = *dialled->port;
  if (question.method == "CONNECT") question.path.clear();
  for (const std::string& header : headers) {
    if (absl::Status status = addHeader(header, question); !status.ok()) return status;
  }
  return question;
}

}  // namespace weir::server
