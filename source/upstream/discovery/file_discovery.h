// FileDiscovery: that the hosts of a cluster are in a file of their own, which is read again when it changes. A part of
// a ClusterConfig; compiled from the configuration, then const.
#pragma once

#include <string>

namespace weir::upstream::discovery {

struct FileDiscovery {
  std::string path;
  std::string watched;  // the file, or a folder that is watched in its place
  std::string service;  // under which name the file has the hosts
};

}  // namespace weir::upstream::discovery
