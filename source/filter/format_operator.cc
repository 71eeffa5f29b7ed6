#include "source/filter/format_operator.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "source/base/strings.h"

namespace weir::filter {
namespace {

using base::av;

bool writeText(const FormatOperator& self, const StreamInfo&, std::string& out) {
  out += self.text;
  return !self.text.empty();
}

const FormatOperator kProcessOperators[] = {
    {.name = "ENVIRONMENT", .arity = FormatOperator::Arity::kName, .write = writeText},
    {.name = "HOSTNAME", .write = writeText},
};

std::string hostName() {
  char name[256] = {};
  if (gethostname(name, sizeof(name) - 1) != 0) return "";
  return name;
}

template <typename Fn>
void forEachOperator(Fn&& fn) {
  for (const FormatOperatorList list :
       {messageOperators(), connectionOperators(), timeOperators(), transportOperators(),
        FormatOperatorList{kProcessOperators, std::size(kProcessOperators)}}) {
    for (size_t i = 0; i < list.size; ++i) fn(list.begin[i]);
  }
}

absl::Status unknown(std::string_view name) {
  std::vector<std::string> names;
  forEachOperator([&names](const FormatOperator& op) { names.emplace_back(op.name); });
  return absl::InvalidArgumentError(absl::StrCat("unknown command operator \"", av(name), "\"; there are ",
                                                 absl::StrJoin(names, ", "), ", and %% for a percent sign"));
}

// "%s" (seconds since 1970), "%f" and "%1f" to "%9f" (fraction of a second), "%E1S" to "%E9S" (seconds with fraction),
// "%E*S"; the rest is strftime's, in UTC.
std::vector<TimePiece> cutTime(std::string_view format) {
  std::vector<TimePiece> pieces;
  const auto text = [&pieces](std::string_view more) {
    if (pieces.empty() || pieces.back().format.empty()) pieces.emplace_back();
    pieces.back().format += more;
  };
  const auto fraction = [&pieces](int digits) { pieces.push_back({"", digits}); };
  for (size_t i = 0; i < format.size(); ++i) {
    const std::string_view rest = format.substr(i);
    const auto digit = [](char c) { return c >= '1' && c <= '9'; };
    if (rest.size() >= 2 && rest.substr(0, 2) == "%f") {
      fraction(9);
      i += 1;
    } else if (rest.size() >= 3 && rest[0] == '%' && digit(rest[1]) && rest[2] == 'f') {
      fraction(rest[1] - '0');
      i += 2;
    } else if (rest.size() >= 4 && rest.substr(0, 2) == "%E" && (digit(rest[2]) || rest[2] == '*') && rest[3] == 'S') {
      text("%S.");
      fraction(rest[2] == '*' ? 9 : rest[2] - '0');
      i += 3;
    } else if (rest.size() >= 2 && rest[0] == '%') {
      text(rest.substr(0, 2));
      i += 1;
    } else {
      text(rest.substr(0, 1));
    }
  }
  return pieces;
}

absl::Status fillHeaders(std::string_view argument, FormatOperator& op) {
  const size_t question = argument.find('?');
  op.header = absl::AsciiStrToLower(av(argument.substr(0, question)));
  if (question != std::string_view::npos) op.alternative = absl::AsciiStrToLower(av(argument.substr(question + 1)));
  if (op.header.empty() || op.alternative.find('?') != std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat("\"", av(argument), "\" in ", av(op.name),
                                                   " does not name headers; allowed are NAME and NAME?OTHER"));
  }
  return absl::OkStatus();
}

// "ROUTE:namespace:key", and further keys. CLUSTER_METADATA and DYNAMIC_METADATA say in their names what they are
// about.
absl::Status fillMetadata(std::string_view argument, FormatOperator& op) {
  if (op.name != "METADATA") {
    op.noted = op.name == "CLUSTER_METADATA" ? FormatOperator::Noted::kCluster : FormatOperator::Noted::kStream;
    op.text = argument;
    if (!op.text.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(av(op.name), " names nothing; allowed is NAMESPACE:KEY, with more keys behind"));
  }
  const size_t colon = std::min(argument.find(':'), argument.size());
  const std::string_view of = argument.substr(0, colon);
  if (of == "VIRTUAL_HOST") op.noted = FormatOperator::Noted::kVirtualHost;
  if (of == "CLUSTER") op.noted = FormatOperator::Noted::kCluster;
  if (of == "LISTENER") op.noted = FormatOperator::Noted::kListener;
  op.text = argument.substr(std::min(colon + 1, argument.size()));
  if ((op.noted != FormatOperator::Noted::kRoute || of == "ROUTE") && !op.text.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "\"", av(argument), "\" in ", av(op.name),
      " names no metadata; allowed are ROUTE:NAMESPACE:KEY, "
      "VIRTUAL_HOST:NAMESPACE:KEY, CLUSTER:NAMESPACE:KEY and LISTENER:NAMESPACE:KEY, with more keys behind"));
}

}  // namespace

bool FormatOperator::append(const StreamInfo& info, std::string& out) const {
  const size_t start = out.size();
  if (!write(*this, info, out)) {
    out.resize(start);
    return false;
  }
  if (out.size() - start > max_length) out.resize(start + max_length);
  return true;
}

absl::StatusOr<FormatOperator> findFormatOperator(std::string_view name, bool has_argument, std::string_view argument) {
  const FormatOperator* found = nullptr;
  forEachOperator([&found, name](const FormatOperator& op) {
    if (op.name == name) found = &op;
  });
  if (found == nullptr) return unknown(name);
  FormatOperator op = *found;
  const bool wants = op.arity == FormatOperator::Arity::kHeader || op.arity == FormatOperator::Arity::kName ||
                     op.arity == FormatOperator::Arity::kFilter || op.arity == FormatOperator::Arity::kMetadata;
  if (wants && !has_argument) {
    return absl::InvalidArgumentError(absl::StrCat(av(name), " needs an argument in parentheses"));
  }
  switch (op.arity) {
    case FormatOperator::Arity::kNone:
      if (has_argument) return absl::InvalidArgumentError(absl::StrCat(av(name), " takes no argument"));
      if (op.name == "HOSTNAME") op.text = hostName();
      break;
    case FormatOperator::Arity::kHeader:
      if (const absl::Status status = fillHeaders(argument, op); !status.ok()) return status;
      break;
    case FormatOperator::Arity::kTime:
      op.time = cutTime(argument.empty() ? "%Y-%m-%dT%H:%M:%S.%3fZ" : argument);
      break;
    case FormatOperator::Arity::kName:
      if (const char* const value = getenv(std::string(argument).c_str())) op.text = value;
      break;
    case FormatOperator::Arity::kFilter:
      if (argument.empty()) return absl::InvalidArgumentError(absl::StrCat(av(name), " needs the name of a filter"));
      op.text = argument;
      break;
    case FormatOperator::Arity::kMetadata:
      if (const absl::Status status = fillMetadata(argument, op); !status.ok()) return status;
      break;
    case FormatOperator::Arity::kSpelling:
      op.text = argument;
      if (!has_argument || argument == "CAMEL_STRING" || argument == "SNAKE_STRING" || argument == "NUMBER") break;
      return absl::InvalidArgumentError(absl::StrCat("\"", av(argument), "\" is not a spelling for ", av(name),
                                                     "; allowed are CAMEL_STRING, SNAKE_STRING and NUMBER"));
  }
  return op;
}

bool appendNumber(uint64_t number, std::string& out) {
  if (number < 10) {  // most durations, and what most requests bring along
    out += static_cast<char>('0' + number);
    return true;
  }
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof(digits), number).ptr;
  out.append(digits, end);
  return true;
}

}  // namespace weir::filter
