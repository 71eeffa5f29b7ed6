// RuntimeLayers: the values of layered_runtime by name, and what they change: every field with a runtime_key that one
// of the layers has takes that value as its default_value, at load, wherever in the configuration it stands. Made by
// the loader; main thread. Values never change at run time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "google/protobuf/message.h"
#include "google/protobuf/struct.pb.h"
#include "source/base/diagnostics.h"

namespace weir::config {

// How many connections of clients there may be, of all listeners: the one name that has a meaning without a field.
inline constexpr std::string_view kMaxConnectionsKey = "overload.global_downstream_max_connections";

class RuntimeLayers {
 public:
  // What is wrong with the layers is reported. `message` outlives it.
  RuntimeLayers(const envoy::config::bootstrap::v3::LayeredRuntime& message, base::Diagnostics& diagnostics);

  // Sets the fields that have a key, inside of Any too. Whether there were some.
  bool apply(google::protobuf::Message& message);
  // A whole number by its name. None when no layer has it; other values are reported.
  std::optional<uint64_t> number(std::string_view key);
  // Warns of the values that nobody has asked for.
  void reportUnused() const;

 private:
  struct Entry {
    const google::protobuf::Value* value;
    int layer;
    bool used = false;
  };

  void flatten(const std::string& name, const google::protobuf::Value& value, int layer);
  Entry* find(std::string_view key);
  void warn(const Entry& entry, std::string_view key, std::string_view what) const;
  bool applyToAny(google::protobuf::Message& any);
  bool applyToFields(google::protobuf::Message& message);

  base::Diagnostics& diagnostics_;
  std::map<std::string, Entry, std::less<>> entries_;
};

// What layered_runtime of a whole configuration changes in it.
void applyRuntime(envoy::config::bootstrap::v3::Bootstrap& bootstrap, base::Diagnostics& diagnostics);

}  // namespace weir::config
