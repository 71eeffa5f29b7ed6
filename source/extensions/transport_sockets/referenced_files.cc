#include "source/extensions/transport_sockets/referenced_files.h"

#include <google/protobuf/message.h>

#include <set>

#include "envoy/config/core/v3/core.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"

namespace weir::extensions {
namespace {

using envoy::config::core::v3::DataSource;
using envoy::extensions::transport_sockets::tls::v3::SdsSecretConfig;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

void collect(const Message& message, const Secrets& secrets, std::set<std::string>& files) {
  if (const auto* source = google::protobuf::DynamicCastToGenerated<const DataSource>(&message)) {
    if (!source->filename().empty()) files.insert(source->filename());
    return;
  }
  if (const auto* named = google::protobuf::DynamicCastToGenerated<const SdsSecretConfig>(&message)) {
    base::Diagnostics reported_before;
    if (named->has_sds_config()) {
      const auto& source = named->sds_config().path_config_source();
      files.insert(source.has_watched_directory() ? source.watched_directory().path() : Secrets::fileOf(*named));
      const auto secret = secrets.read(*named, reported_before, base::FieldPath());
      if (secret != nullptr) collect(*secret, secrets, files);
      return;
    }
    const Secrets::Entry* const entry = secrets.find(named->name(), reported_before, base::FieldPath());
    if (entry != nullptr) collect(*entry->message, secrets, files);
    return;
  }
  std::vector<const FieldDescriptor*> fields;
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      collect(reflection.GetMessage(message, field), secrets, files);
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      collect(reflection.GetRepeatedMessage(message, field, i), secrets, files);
    }
  }
}

}  // namespace

std::vector<std::string> referencedFiles(const Message& message, const Secrets& secrets) {
  std::set<std::string> files;
  collect(message, secrets, files);
  return {files.begin(), files.end()};
}

}  // namespace weir::extensions
