#include "source/proxy/path_normalizer.h"

#include <algorithm>

namespace weir::proxy {
namespace {

using Outcome = NormalizedPath::Outcome;

int hexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

char upper(char c) { return c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c; }

bool unreserved(int c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

// The byte that is escaped at `at`, or below 0 when there is no escape.
int escapeAt(std::string_view text, size_t at) {
  if (text[at] != '%' || at + 2 >= text.size()) return -1;
  const int high = hexValue(text[at + 1]);
  const int low = hexValue(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool isEscapedSlash(int byte) { return byte == '/' || byte == '\\'; }

bool hasEscapedSlash(std::string_view path) {
  for (size_t i = path.find('%'); i != std::string_view::npos; i = path.find('%', i + 1)) {
    if (isEscapedSlash(escapeAt(path, i))) return true;
  }
  return false;
}

// Whether there is anything that normalisation might change, or refuse.
bool mayChange(std::string_view path, const PathOptions& options) {
  char before = '\0';
  for (const char c : path) {
    if (options.normalize && (c == '%' || c == '\\' || (c == '.' && before == '/'))) return true;
    if (options.merge_slashes && c == '/' && before == '/') return true;
    before = c;
  }
  return false;
}

// Both return the new size; `text` is edited in place.
size_t unescapeSlashes(char* text, size_t size) {
  size_t out = 0;
  for (size_t i = 0; i < size; ++i) {
    const int byte = escapeAt(std::string_view(text, size), i);
    if (isEscapedSlash(byte)) {
      text[out++] = '/';
      i += 2;
    } else {
      text[out++] = text[i];
    }
  }
  return out;
}

size_t mergeSlashes(char* text, size_t size) {
  return std::unique(text, text + size, [](char a, char b) { return a == '/' && b == '/'; }) - text;
}

// Nothing when an escaped NUL was found.
std::optional<size_t> decodeUnreserved(char* text, size_t size) {
  size_t out = 0;
  for (size_t i = 0; i < size; ++i) {
    const int byte = escapeAt(std::string_view(text, size), i);
    if (byte == 0) return std::nullopt;
    if (byte < 0) {
      text[out++] = text[i] == '\\' ? '/' : text[i];
    } else if (unreserved(byte)) {
      text[out++] = static_cast<char>(byte);
      i += 2;
    } else {
      text[out++] = '%';
      text[out++] = upper(text[i + 1]);
      text[out++] = upper(text[i + 2]);
      i += 2;
    }
  }
  return out;
}

// RFC 3986 section 5.2.4, for a path that begins with a slash.
size_t removeDotSegments(char* text, size_t size) {
  size_t out = 0;
  for (size_t i = 0; i < size;) {
    size_t end = i + 1;
    while (end < size && text[end] != '/') ++end;
    const std::string_view segment(text + i + 1, end - i - 1);  // behind the slash at i
    const bool last = end == size;
    if (segment == "." || segment == "..") {
      if (segment == "..") {
        while (out > 0 && text[--out] != '/') {
        }
      }
      if (last) text[out++] = '/';
    } else {
      std::copy(text + i, text + end, text + out);
      out += end - i;
    }
    i = end;
  }
  return out;
}

}  // namespace

NormalizedPath normalizePath(std::string_view target, const PathOptions& options, base::Arena& arena) {
  if (target.empty() || target[0] != '/') return {Outcome::kForward, target};
  if (target.find('#') != std::string_view::npos) return {Outcome::kRefuse, target};
  const size_t question = target.find('?');
  const std::string_view path = target.substr(0, question);
  const std::string_view query = question == std::string_view::npos ? std::string_view() : target.substr(question);
  const bool unescape = options.escaped_slashes != EscapedSlashes::kKeep && hasEscapedSlash(path);
  if (unescape && options.escaped_slashes == EscapedSlashes::kReject) return {Outcome::kRefuse, target};
  if (!unescape && !mayChange(path, options)) return {Outcome::kForward, target};

  char* const text = arena.allocateChars(path.size() + query.size());
  std::copy(path.begin(), path.end(), text);
  size_t size = path.size();
  if (unescape) size = unescapeSlashes(text, size);
  if (options.normalize) {
    const std::optional<size_t> decoded = decodeUnreserved(text, size);
    if (!decoded) return {Outcome::kRefuse, target};
    size = *decoded;
  }
  // Before dot segments, so that "/a//../b" means the same to whoever merges slashes later.
  if (options.merge_slashes) size = mergeSlashes(text, size);
  if (options.normalize) size = removeDotSegments(text, size);
  std::copy(query.begin(), query.end(), text + size);
  const bool redirect = unescape && options.escaped_slashes == EscapedSlashes::kRedirect;
  return {redirect ? Outcome::kRedirect : Outcome::kForward, {text, size + query.size()}};
}

}  // namespace weir::proxy
