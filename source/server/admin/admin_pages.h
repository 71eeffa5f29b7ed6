// AdminPages: answers admin requests. Made by the Server, which owns it; main thread. Nothing blocks: numbers of the
// workers are read where they stand.
//
//   what only looks is GET (and HEAD), what changes something is POST; else 405. A POST that a web page of another host
//   sent (Origin) is refused, so that a browser inside the network cannot be used against the endpoint.
#pragma once

#include <string>
#include <string_view>

#include "source/server/admin/admin_request.h"
#include "source/server/admin/admin_view.h"

namespace weir::server {

class AdminPages {
 public:
  // `view` outlives it.
  explicit AdminPages(const AdminView& view) : view_(view) {}

  AdminResponse answer(const AdminRequest& request) const;

 private:
  using Handler = AdminResponse (AdminPages::*)(const AdminRequest&) const;
  enum class Methods { kGet, kPost, kBoth };
  struct Page {
    std::string_view path;
    Methods methods;
    std::string_view help;
    Handler handler;
  };
  static const Page kPages[];

  AdminResponse help(const AdminRequest& request) const;
  AdminResponse ready(const AdminRequest& request) const;
  AdminResponse stats(const AdminRequest& request) const;
  AdminResponse prometheus(const AdminRequest& request) const;
  AdminResponse configDump(const AdminRequest& request) const;
  AdminResponse certs(const AdminRequest& request) const;
  AdminResponse clusters(const AdminRequest& request) const;
  AdminResponse changeHost(const AdminRequest& request) const;
  AdminResponse listeners(const AdminRequest& request) const;
  AdminResponse serverInfo(const AdminRequest& request) const;
  AdminResponse logging(const AdminRequest& request) const;
  AdminResponse quit(const AdminRequest& request) const;
  AdminResponse resetCounters(const AdminRequest& request) const;

  AdminResponse renderStats(const AdminRequest& request, std::string_view format) const;
  static std::string listOfPages();

  const AdminView& view_;
};

}  // namespace weir::server
