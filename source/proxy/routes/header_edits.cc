#include "source/proxy/routes/header_edits.h"

namespace weir::proxy {

void HeaderEdits::apply(http::Head& head, const filter::StreamInfo& info) const {
  for (const std::string& name : remove) head.headers.remove(name);
  if (add.empty()) return;
  std::string value;
  for (const HeaderEdit& edit : add) {
    value.clear();
    edit.value->append(info, value);
    if (value.empty() && !edit.keep_empty) continue;
    const bool present = head.headers.get(edit.name).has_value();
    switch (edit.action) {
      case HeaderEdit::Action::kAppend:
        head.headers.add(edit.name, value);
        break;
      case HeaderEdit::Action::kAddIfAbsent:
        if (!present) head.headers.add(edit.name, value);
        break;
      case HeaderEdit::Action::kOverwriteOrAdd:
        head.headers.set(edit.name, value);
        break;
      case HeaderEdit::Action::kOverwriteIfExists:
        if (present) head.headers.set(edit.name, value);
        break;
    }
  }
}

}  // namespace weir::proxy
