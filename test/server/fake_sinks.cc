#include "test/server/fake_sinks.h"

#include "absl/strings/str_cat.h"

namespace weir::server {
namespace {

class FakeSink final : public filter::LogSink {
 public:
  explicit FakeSink(std::vector<std::string>& lines) : lines_(lines) {}
  void write(const net::WorkerContext&, std::string_view line) override { lines_.emplace_back(line); }

 private:
  std::vector<std::string>& lines_;
};

}  // namespace

absl::StatusOr<filter::LogSink*> FakeSinks::open(std::string_view path) {
  const std::string name(path);
  if (name.starts_with("/refused")) return absl::UnavailableError(absl::StrCat("cannot open \"", name, "\""));
  std::unique_ptr<filter::LogSink>& sink = sinks_[name];
  if (sink == nullptr) sink = std::make_unique<FakeSink>(lines[name]);
  return sink.get();
}

}  // namespace weir::server
