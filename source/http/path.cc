#include "source/http/path.h"

#include <cstring>
#include <optional>

namespace weir::http {
namespace {

int hexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The byte that the escape at text[at] stands for; -1 when it is none.
int escapedByte(std::string_view text, size_t at) {
  if (at + 2 >= text.size()) return -1;
  const int high = hexValue(text[at + 1]);
  const int low = hexValue(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high << 4 | low;
}

bool isUnreserved(int b) {
  return (b >= '0' && b <= '9') || (b >= 'A' && b <= 'Z') || (b >= 'a' && b <= 'z') || b == '-' || b == '.' ||
         b == '_' || b == '~';
}

bool isSlash(int b) { return b == '/' || b == '\\'; }

// Most paths need nothing: true when no rule can apply.
bool isPlain(std::string_view path) {
  for (size_t i = 0; i < path.size(); ++i) {
    const char c = path[i];
    if (c == '%' || c == '\\') return false;
    if (c == '/' && i + 1 < path.size() && (path[i + 1] == '/' || path[i + 1] == '.')) return false;
  }
  return true;
}

struct Decoded {
  size_t size = 0;
  bool slashes = false;  // an escaped slash was decoded
  bool refused = false;
};

// Writes `path` to `out` with the escapes decoded that the options name. `out` has room for all of it.
Decoded decode(std::string_view path, const PathOptions& options, char* out) {
  const bool unescape = options.escaped_slashes == EscapedSlashes::kUnescapeAndForward ||
                        options.escaped_slashes == EscapedSlashes::kUnescapeAndRedirect;
  Decoded decoded;
  const auto refused = [&decoded] {
    decoded.refused = true;
    return decoded;
  };
  for (size_t i = 0; i < path.size(); ++i) {
    char c = path[i];
    if (c == '%') {
      const int b = escapedByte(path, i);
      if (isSlash(b) && options.escaped_slashes == EscapedSlashes::kReject) return refused();
      if (options.normalize && b <= 0) return refused();
      const bool slash = isSlash(b) && unescape;
      if (slash || (options.normalize && isUnreserved(b))) {
        c = static_cast<char>(b);
        i += 2;
        decoded.slashes |= slash;
      }
    }
    if (options.normalize && c == '\\') c = '/';
    out[decoded.size++] = c;
  }
  return decoded;
}

// RFC 3986 5.2.4 in place; `path` begins with "/". Returns the new size.
size_t removeDotSegments(char* path, size_t size) {
  size_t out = 0;
  size_t i = 0;
  while (i < size) {
    // path[i] is the slash in front of a segment.
    size_t end = i + 1;
    while (end < size && path[end] != '/') ++end;
    const std::string_view segment(path + i + 1, end - i - 1);
    const bool last = end == size;
    if (segment == "." || segment == "..") {
      if (segment == "..") {
        while (out > 0 && path[--out] != '/') {
        }
      }
      if (last) path[out++] = '/';
    } else {
      std::memmove(path + out, path + i, end - i);
      out += end - i;
    }
    i = end;
  }
  if (out == 0) path[out++] = '/';
  return out;
}

size_t mergeSlashes(char* path, size_t size) {
  size_t out = 0;
  for (size_t i = 0; i < size; ++i) {
    if (path[i] == '/' && out > 0 && path[out - 1] == '/') continue;
    path[out++] = path[i];
  }
  return out;
}

}  // namespace

std::string_view pathOf(std::string_view target) { return target.substr(0, target.find('?')); }

std::string_view queryOf(std::string_view target) {
  const size_t mark = target.find('?');
  return mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
}

PathResult normalizePath(std::string_view target, const PathOptions& options, base::Arena& arena) {
  if (target.empty() || target == "*") return {PathResult::Kind::kOk, target};
  const std::string_view path = pathOf(target);
  if (options.normalize && (path.empty() || !isSlash(path.front()))) return {PathResult::Kind::kRefused, {}};
  if (isPlain(path)) return {PathResult::Kind::kOk, target};
  char* const out = arena.allocateChars(target.size());
  const Decoded decoded = decode(path, options, out);
  if (decoded.refused) return {PathResult::Kind::kRefused, {}};
  size_t size = decoded.size;
  if (options.normalize) size = removeDotSegments(out, size);
  if (options.merge_slashes) size = mergeSlashes(out, size);
  const std::string_view query = target.substr(path.size());
  if (!query.empty()) std::memcpy(out + size, query.data(), query.size());
  const bool redirect = decoded.slashes && options.escaped_slashes == EscapedSlashes::kUnescapeAndRedirect;
  return {redirect ? PathResult::Kind::kRedirect : PathResult::Kind::kOk, std::string_view(out, size + query.size())};
}

std::string_view percentDecode(std::string_view text, base::Arena& arena) {
  if (text.find('%') == std::string_view::npos) return text;
  char* const out = arena.allocateChars(text.size());
  size_t size = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const int b = text[i] == '%' ? escapedByte(text, i) : -1;
    out[size++] = b >= 0 ? static_cast<char>(b) : text[i];
    if (b >= 0) i += 2;
  }
  return std::string_view(out, size);
}

}  // namespace weir::http
