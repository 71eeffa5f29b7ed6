#include "source/server/why.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "source/base/strings.h"
#include "source/config/nearest.h"
#include "source/http/reason.h"

namespace weir::server {
namespace {

using base::av;

constexpr http::Reason kReasons[] = {
#define WEIR_REASON(id, flag, status, name, sentence) http::Reason::id,
#include "source/http/reasons.inc"
#undef WEIR_REASON
};

// What access logs show as the reason of an answer that is not weir's own.
constexpr std::string_view kFromUpstream = "via_upstream";

std::string padded(std::string text, size_t width) {
  text.resize(std::max(text.size(), width), ' ');
  return text;
}

// 0 in the list: it depends, or nothing is answered any more.
std::string statusText(const http::ReasonInfo& info) { return info.status == 0 ? "-" : absl::StrCat(info.status); }

std::string table() {
  size_t width = 0;
  for (const http::Reason reason : kReasons) width = std::max(width, http::reasonInfo(reason).name.size());
  const auto row = [width](std::string_view name, std::string_view flag, std::string status, std::string_view rest) {
    return absl::StrCat(padded(std::string(name), width + 2), padded(std::string(flag), 6),
                        padded(std::move(status), 8), av(rest), "\n");
  };
  std::string text = row("NAME", "FLAG", "STATUS", "WHAT HAPPENED");
  for (const http::Reason reason : kReasons) {
    const http::ReasonInfo& info = http::reasonInfo(reason);
    absl::StrAppend(&text, row(info.name, info.flag, statusText(info), info.sentence));
  }
  return absl::StrCat(text,
                      "\nNAME is %RESPONSE_CODE_DETAILS% of an access log, FLAG its %RESPONSE_FLAGS%. STATUS - is one "
                      "that\nthe configuration names, or none: the exchange could not be answered any more.\n");
}

std::string paragraph(const http::ReasonInfo& info) {
  return absl::StrCat(av(info.name), "\n  flag in access logs: ", av(info.flag),
                      "\n  status of the answer: ", info.status == 0 ? "as configured, or none" : statusText(info),
                      "\n  ", av(info.sentence), "\n");
}

// The reasons with that name, or else that flag.
std::string explain(std::string_view code) {
  std::string text;
  for (const http::Reason reason : kReasons) {
    const http::ReasonInfo& info = http::reasonInfo(reason);
    if (absl::EqualsIgnoreCase(av(info.name), av(code))) return paragraph(info);
    if (absl::EqualsIgnoreCase(av(info.flag), av(code)))
      absl::StrAppend(&text, text.empty() ? "" : "\n", paragraph(info));
  }
  if (absl::EqualsIgnoreCase(av(kFromUpstream), av(code))) {
    return absl::StrCat(av(kFromUpstream), "\n  The answer is the upstream's own; weir passed it on.\n");
  }
  return text;
}

absl::Status unknown(std::string_view code) {
  std::vector<std::string_view> names{kFromUpstream};
  for (const http::Reason reason : kReasons) names.push_back(http::reasonInfo(reason).name);
  const std::string lower = absl::AsciiStrToLower(av(code));
  const std::string_view near = config::nearest(lower, names);
  return absl::InvalidArgumentError(absl::StrCat("no reason is called \"", av(code), "\"",
                                                 near.empty() ? "" : absl::StrCat("; did you mean \"", av(near), "\"?"),
                                                 "; `weir why` lists all of them"));
}

}  // namespace

absl::StatusOr<std::string> whyText(std::string_view code) {
  if (code.empty()) return table();
  std::string text;
  for (const absl::string_view one : absl::StrSplit(av(code), ',')) {
    const std::string explained = explain(base::sv(one));
    if (explained.empty()) return unknown(base::sv(one));
    absl::StrAppend(&text, text.empty() ? "" : "\n", explained);
  }
  return text;
}

}  // namespace weir::server
