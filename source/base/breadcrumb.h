// Breadcrumb: what this thread is doing in code that weir did not write, so that a report of a crash can name it. Set
// around each call by a BreadcrumbScope, which costs two stores; read by the handler of fatal signals.
#pragma once

namespace weir::base {

struct Breadcrumb {
  const char* subject = nullptr;  // "add_header"; null: nothing foreign runs
  const char* action = nullptr;   // "onRequestHead"
};

namespace detail {
extern constinit thread_local Breadcrumb current_breadcrumb;
}

// Of this thread; its address is one that no other thread's has.
inline Breadcrumb& breadcrumb() { return detail::current_breadcrumb; }

class BreadcrumbScope {
 public:
  // Both must outlive the scope.
  BreadcrumbScope(const char* subject, const char* action) : crumb_(breadcrumb()), before_(crumb_) {
    crumb_ = {subject, action};
  }
  ~BreadcrumbScope() { crumb_ = before_; }
  BreadcrumbScope(const BreadcrumbScope&) = delete;
  BreadcrumbScope& operator=(const BreadcrumbScope&) = delete;

 private:
  Breadcrumb& crumb_;
  const Breadcrumb before_;
};

// From here on, a fatal signal writes one line to stderr that names the signal and the breadcrumb, and then has the
// effect that it had before. Once, from the main thread.
void installCrashReport();

}  // namespace weir::base
