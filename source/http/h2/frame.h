// Frames of HTTP/2 (RFC 9113 section 4 and 6): their header, types, flags, settings and error codes as they stand on
// the wire. Nothing is kept.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir::http::h2 {

enum class FrameType : uint8_t {
  kData = 0,
  kHeaders = 1,
  kPriority = 2,
  kRstStream = 3,
  kSettings = 4,
  kPushPromise = 5,
  kPing = 6,
  kGoaway = 7,
  kWindowUpdate = 8,
  kContinuation = 9,
  kPriorityUpdate = 16,
};

inline constexpr uint8_t kEndStreamFlag = 0x1;
inline constexpr uint8_t kAckFlag = 0x1;
inline constexpr uint8_t kEndHeadersFlag = 0x4;
inline constexpr uint8_t kPaddedFlag = 0x8;
inline constexpr uint8_t kPriorityFlag = 0x20;

// RFC 9113 section 7.
enum class ErrorCode : uint32_t {
  kNoError = 0,
  kProtocol = 1,
  kInternal = 2,
  kFlowControl = 3,
  kStreamClosed = 5,
  kFrameSize = 6,
  kRefusedStream = 7,
  kCancel = 8,
  kCompression = 9,
  kEnhanceYourCalm = 11,
};

// RFC 9113 6.5.2, RFC 8441, RFC 9218.
enum class Setting : uint16_t {
  kHeaderTableSize = 1,
  kEnablePush = 2,
  kMaxConcurrentStreams = 3,
  kInitialWindowSize = 4,
  kMaxFrameSize = 5,
  kMaxHeaderListSize = 6,
  kEnableConnectProtocol = 8,
  kNoRfc7540Priorities = 9,
};

inline constexpr size_t kFrameHeaderBytes = 9;
// The largest payload that every peer takes. weir sends no larger one and lets nobody send one.
inline constexpr uint32_t kMaxFrameBytes = 16 * 1024;
inline constexpr int64_t kMaxWindow = 0x7fffffff;
inline constexpr int64_t kDefaultWindow = 65535;
inline constexpr uint32_t kMaxStreamId = 0x7fffffff;

struct FrameHeader {
  uint32_t length = 0;
  FrameType type = FrameType::kData;
  uint8_t flags = 0;
  uint32_t stream = 0;

  bool has(uint8_t flag) const { return (flags & flag) != 0; }
};

inline uint32_t readBig(const char* at, size_t bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < bytes; ++i) value = value << 8 | static_cast<unsigned char>(at[i]);
  return value;
}

inline char* writeBig(char* out, uint32_t value, size_t bytes) {
  for (size_t i = bytes; i > 0; --i) *out++ = static_cast<char>(value >> (8 * (i - 1)));
  return out;
}

// The reserved bit of the stream is not looked at.
inline FrameHeader readFrameHeader(const char* at) {
  return {readBig(at, 3), static_cast<FrameType>(at[3]), static_cast<uint8_t>(at[4]),
          readBig(at + 5, 4) & kMaxStreamId};
}

inline char* writeFrameHeader(char* out, const FrameHeader& frame) {
  out = writeBig(out, frame.length, 3);
  *out++ = static_cast<char>(frame.type);
  *out++ = static_cast<char>(frame.flags);
  return writeBig(out, frame.stream, 4);
}

}  // namespace weir::http::h2
