#include "source/extensions/access_loggers/log_condition.h"

#include <algorithm>
#include <utility>

#include "absl/time/time.h"
#include "envoy/config/accesslog/v3/accesslog.pb.h"
#include "source/extensions/matchers/compile_matchers.h"
#include "source/http/reason.h"

namespace weir::extensions {
namespace {

namespace xds = envoy::config::accesslog::v3;

bool compares(LogCondition::Compare compare, int64_t seen, int64_t number) {
  switch (compare) {
    case LogCondition::Compare::kEqual:
      return seen == number;
    case LogCondition::Compare::kAtLeast:
      return seen >= number;
    case LogCondition::Compare::kAtMost:
      return seen <= number;
    case LogCondition::Compare::kDiffers:
      return seen != number;
  }
  return false;
}

int64_t durationMs(const filter::StreamInfo& info) {
  return info.complete ? absl::ToInt64Milliseconds(*info.complete - info.start) : 0;
}

bool hasFlag(const filter::StreamInfo& info, const std::vector<std::string>& flags) {
  const std::string_view flag = http::reasonInfo(info.reason).flag;
  if (flags.empty()) return flag != "-" || info.retries_exhausted;
  if (info.retries_exhausted && std::find(flags.begin(), flags.end(), "URX") != flags.end()) return true;
  return std::find(flags.begin(), flags.end(), flag) != flags.end();
}

LogCondition comparison(LogCondition::Kind kind, const xds::ComparisonFilter& message) {
  LogCondition condition;
  condition.kind = kind;
  condition.number = message.value().default_value();
  switch (message.op()) {
    case xds::ComparisonFilter::GE:
      condition.compare = LogCondition::Compare::kAtLeast;
      break;
    case xds::ComparisonFilter::LE:
      condition.compare = LogCondition::Compare::kAtMost;
      break;
    case xds::ComparisonFilter::NE:
      condition.compare = LogCondition::Compare::kDiffers;
      break;
    default:
      condition.compare = LogCondition::Compare::kEqual;
  }
  return condition;
}

template <typename Messages>
std::optional<LogCondition> group(LogCondition::Kind kind, const Messages& messages, base::Diagnostics& diagnostics,
                                  const base::FieldPath& path) {
  LogCondition condition;
  condition.kind = kind;
  bool whole = true;
  for (int i = 0; i < messages.size(); ++i) {
    auto part = compileLogCondition(messages[i], diagnostics, path.at("filters", static_cast<size_t>(i)));
    if (part) {
      condition.parts.push_back(std::move(*part));
    } else {
      whole = false;
    }
  }
  if (!whole) return std::nullopt;
  return condition;
}

}  // namespace

bool LogCondition::passes(const filter::StreamInfo& info) const {
  const auto passes_too = [&info](const LogCondition& part) { return part.passes(info); };
  switch (kind) {
    case Kind::kAlways:
      return true;
    case Kind::kStatus:
      return compares(compare, info.status, number);
    case Kind::kDurationMs:
      return compares(compare, durationMs(info), number);
    case Kind::kNotHealthCheck:
      return !info.health_check;
    case Kind::kAll:
      return std::all_of(parts.begin(), parts.end(), passes_too);
    case Kind::kAny:
      return std::any_of(parts.begin(), parts.end(), passes_too);
    case Kind::kHeader:
      return info.request_head != nullptr && header->matches(*info.request_head);
    case Kind::kFlags:
      return hasFlag(info, flags);
  }
  return false;
}

std::optional<LogCondition> compileLogCondition(const xds::AccessLogFilter& message, base::Diagnostics& diagnostics,
                                                const base::FieldPath& path) {
  LogCondition condition;
  switch (message.filter_specifier_case()) {
    case xds::AccessLogFilter::kStatusCodeFilter:
      return comparison(LogCondition::Kind::kStatus, message.status_code_filter().comparison());
    case xds::AccessLogFilter::kDurationFilter:
      return comparison(LogCondition::Kind::kDurationMs, message.duration_filter().comparison());
    case xds::AccessLogFilter::kNotHealthCheckFilter:
      condition.kind = LogCondition::Kind::kNotHealthCheck;
      return condition;
    case xds::AccessLogFilter::kAndFilter:
      return group(LogCondition::Kind::kAll, message.and_filter().filters(), diagnostics, path.at("and_filter"));
    case xds::AccessLogFilter::kOrFilter:
      return group(LogCondition::Kind::kAny, message.or_filter().filters(), diagnostics, path.at("or_filter"));
    case xds::AccessLogFilter::kHeaderFilter: {
      const base::FieldPath filter_path = path.at("header_filter");
      condition.kind = LogCondition::Kind::kHeader;
      condition.header = compileHeaderMatcher(message.header_filter().header(), diagnostics, filter_path.at("header"));
      if (!condition.header) return std::nullopt;
      return condition;
    }
    case xds::AccessLogFilter::kResponseFlagFilter:
      condition.kind = LogCondition::Kind::kFlags;
      condition.flags.assign(message.response_flag_filter().flags().begin(),
                             message.response_flag_filter().flags().end());
      return condition;
    case xds::AccessLogFilter::FILTER_SPECIFIER_NOT_SET:
      break;
  }
  diagnostics.error(path, "no filter is given; leave `filter` out to record everything");
  return std::nullopt;
}

}  // namespace weir::extensions
