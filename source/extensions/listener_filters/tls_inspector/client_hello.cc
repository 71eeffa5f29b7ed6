// record      = 22, 3, any, length[2], payload            length at most 2^14 (RFC 8446 section 5.1)
// payloads    = 1, length[3], hello                       of one or more records
// hello       = version[2], random[32], <session_id>1, <cipher_suites>2, <compression>1, [ <extensions>2 ]
// extension   = type[2], <data>2                          <x>n: n bytes of length, and x
// server_name = < 0, <host>2 ... >2                       type 0
// alpn        = < <protocol>1 ... >2                      type 16
#include "source/extensions/listener_filters/tls_inspector/client_hello.h"

#include <algorithm>
#include <optional>

namespace weir::extensions::tls_inspector {
namespace {

using State = ClientHello::State;

constexpr unsigned char kHandshake = 22;
constexpr unsigned char kClientHello = 1;
constexpr size_t kMaxRecord = 16 * 1024;
constexpr size_t kMaxProtocols = 64;

// Reads from the front; after the first thing that is not there, everything is missing.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  bool ok() const { return ok_; }
  bool empty() const { return rest_.empty(); }
  size_t number(size_t bytes) {
    size_t value = 0;
    for (const char c : take(bytes)) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }
  std::string_view take(size_t bytes) {
    ok_ = ok_ && bytes <= rest_.size();
    if (!ok_) return {};
    const std::string_view taken = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return taken;
  }
  std::string_view vector(size_t length_bytes) { return take(number(length_bytes)); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

struct Message {
  State state;
  std::string_view bytes;  // of the hello, when complete
};

// Joins the payloads of records until the first message is whole. `joined` is used when it is in more than one record.
Message firstMessage(std::string_view bytes, std::string& joined) {
  std::string_view payload;
  size_t wanted = 4;
  const auto have = [&] { return joined.empty() ? payload : std::string_view(joined); };
  while (have().size() < wanted) {
    if (!bytes.empty() && static_cast<unsigned char>(bytes[0]) != kHandshake) return {State::kNone, {}};
    if (bytes.size() > 1 && bytes[1] != 3) return {State::kNone, {}};
    if (bytes.size() < 5) return {State::kMore, {}};
    Reader length(bytes.substr(3, 2));
    const size_t size = length.number(2);
    if (size == 0 || size > kMaxRecord) return {State::kNone, {}};
    const std::string_view now = bytes.substr(5, size);
    if (payload.empty()) {
      payload = now;
    } else {
      if (joined.empty()) joined = payload;
      joined += now;
    }
    const std::string_view all = have();
    if (all.empty()) return {State::kMore, {}};
    if (static_cast<unsigned char>(all[0]) != kClientHello) return {State::kNone, {}};
    if (all.size() >= 4) {
      Reader header(all.substr(1, 3));
      wanted = 4 + header.number(3);
      if (wanted > kMaxClientHello) return {State::kTooLarge, {}};
    }
    if (now.size() < size) {
      if (all.size() < wanted) return {State::kMore, {}};
      break;
    }
    bytes.remove_prefix(5 + size);
  }
  return {State::kComplete, have().substr(4, wanted - 4)};
}

bool isHostName(std::string_view name) {
  return !name.empty() && name.size() <= 255 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' || c == '.' || c == '_';
  });
}

bool readServerName(std::string_view data, ClientHello& hello) {
  Reader reader(data);
  Reader list(reader.vector(2));
  if (!reader.ok() || !reader.empty()) return false;
  while (list.ok() && !list.empty()) {
    const size_t type = list.number(1);
    const std::string_view name = list.vector(2);
    if (!list.ok()) return false;
    if (type != 0) continue;
    if (!isHostName(name)) return false;
    hello.server_name = name;
    for (char& c : hello.server_name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  }
  return list.ok();
}

bool readAlpn(std::string_view data, ClientHello& hello) {
  Reader reader(data);
  Reader list(reader.vector(2));
  while (list.ok() && !list.empty() && hello.alpn.size() < kMaxProtocols) hello.alpn.emplace_back(list.vector(1));
  return reader.ok() && reader.empty() && list.ok();
}

// A list of numbers of `bytes` each, behind its length.
std::vector<uint16_t> readNumbers(std::string_view data, size_t length_bytes, size_t bytes) {
  Reader reader(data);
  Reader list(reader.vector(length_bytes));
  std::vector<uint16_t> out;
  while (list.ok() && !list.empty()) {
    const size_t number = list.number(bytes);
    if (list.ok()) out.push_back(static_cast<uint16_t>(number));
  }
  return out;
}

bool readExtension(size_t type, std::string_view data, ClientHello& hello) {
  hello.extensions.push_back(static_cast<uint16_t>(type));
  switch (type) {
    case 0:
      return readServerName(data, hello);
    case 10:
      hello.groups = readNumbers(data, 2, 2);
      return true;
    case 11:
      hello.point_formats = readNumbers(data, 1, 1);
      return true;
    case 13:
      hello.signature_algorithms = readNumbers(data, 2, 2);
      return true;
    case 16:
      return readAlpn(data, hello);
    case 43:
      hello.versions = readNumbers(data, 1, 2);
      return true;
    default:
      return true;
  }
}

bool readHello(std::string_view bytes, ClientHello& hello) {
  Reader reader(bytes);
  hello.version = static_cast<uint16_t>(reader.number(2));
  reader.take(32);
  reader.vector(1);
  const std::string_view suites = reader.vector(2);
  reader.vector(1);
  if (!reader.ok()) return false;
  for (Reader list(suites); list.ok() && !list.empty();) {
    const size_t suite = list.number(2);
    if (list.ok()) hello.suites.push_back(static_cast<uint16_t>(suite));
  }
  if (reader.empty()) return true;
  Reader extensions(reader.vector(2));
  if (!reader.ok() || !reader.empty()) return false;
  while (!extensions.empty()) {
    const size_t type = extensions.number(2);
    const std::string_view data = extensions.vector(2);
    if (!extensions.ok()) return false;
    if (!readExtension(type, data, hello)) return false;
  }
  return true;
}

}  // namespace

ClientHello parseClientHello(std::string_view bytes) {
  ClientHello hello;
  std::string joined;
  const Message message = firstMessage(bytes, joined);
  hello.state = message.state;
  if (message.state == State::kComplete && !readHello(message.bytes, hello)) return {};
  return hello;
}

}  // namespace weir::extensions::tls_inspector
