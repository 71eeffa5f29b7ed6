// FieldSet: a head or a trailer section as plugins see it: fields by name, and what stands beside the fields of a Head
// under names that begin with ':'. A view for the length of one call. It allows no field that frames a message, and no
// byte that could break one.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "api/plugin/weir_plugin.h"
#include "source/http/head.h"

namespace weir::extensions::plugins {

class FieldSet {
 public:
  FieldSet() = default;
  static FieldSet ofHead(http::Head& head) { return FieldSet(&head, &head.headers, true); }
  static FieldSet ofHeadToRead(const http::Head& head) {
    return FieldSet(const_cast<http::Head*>(&head), nullptr, false);
  }
  static FieldSet ofTrailers(http::HeaderMap& trailers) { return FieldSet(nullptr, &trailers, true); }

  bool there() const { return head_ != nullptr || map_ != nullptr; }
  size_t count() const { return map().size(); }
  // At most `count()` of them.
  void list(weir_field* out) const;
  std::optional<std::string_view> get(std::string_view lower_name) const;
  weir_result set(std::string_view name, std::string_view value);
  weir_result append(std::string_view name, std::string_view value);
  weir_result remove(std::string_view name);

 private:
  FieldSet(http::Head* head, http::HeaderMap* map, bool writable) : head_(head), map_(map), writable_(writable) {}
  const http::HeaderMap& map() const { return map_ != nullptr ? *map_ : head_->headers; }
  weir_result setPseudo(std::string_view name, std::string_view value);

  http::Head* head_ = nullptr;
  http::HeaderMap* map_ = nullptr;
  bool writable_ = false;
};

// Whether a plugin may write a field of that name (any case) and value.
bool fieldAllowed(std::string_view name, std::string_view value);

}  // namespace weir::extensions::plugins
