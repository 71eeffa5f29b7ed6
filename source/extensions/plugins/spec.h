// From the fields that the configuration messages of HTTP and network plugin filters share to a PluginSpec.
#pragma once

#include "source/extensions/messages/duration.h"
#include "source/extensions/plugins/plugin.h"

namespace weir::extensions::plugins {

template <typename Quarantine>
QuarantineRule quarantineOf(const Quarantine& configured) {
  QuarantineRule rule;
  if (configured.has_max_failures()) rule.max_failures = configured.max_failures().value();
  if (configured.has_window()) rule.window = durationOf(configured.window());
  if (configured.has_hold()) rule.hold = durationOf(configured.hold());
  rule.open = configured.policy() == Quarantine::OPEN;
  return rule;
}

template <typename Message>
PluginSpec specOf(const Message& configured) {
  PluginSpec spec;
  spec.path = configured.path();
  spec.name = configured.name();
  spec.sha256 = configured.sha256();
  spec.configuration = configured.configuration();
  spec.quarantine = quarantineOf(configured.quarantine());
  spec.load_once = configured.load_once();
  return spec;
}

}  // namespace weir::extensions::plugins
