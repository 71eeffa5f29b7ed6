#include "source/net/tls/tls_socket.h"

#include "test/net/tls/tls_pair.h"

namespace weir::net::tls {
namespace {

std::string pattern(size_t size) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + (i * 7 + i / 251) % 26);
  return text;
}

class TlsSocketTest : public TlsPair {};

TEST_F(TlsSocketTest, CarriesBytesBothWays) {
  serve(serverConfig());
  dial(clientConfig());
  open();
  exchange();
  EXPECT_EQ(client.info().version, "TLSv1.3");
  EXPECT_EQ(client.info().cipher, "TLS_AES_128_GCM_SHA256");
  EXPECT_TRUE(client.info().verified);
  ASSERT_NE(client.info().peer, nullptr);
  EXPECT_EQ(client.info().peer->dns_names, std::vector<std::string>{"a.example"});
  EXPECT_EQ(client.info().peer->subject, "CN=test");
  EXPECT_EQ(client.info().peer->issuer, "CN=root");
  EXPECT_EQ(client.info().peer->sha256_fingerprint.size(), 64u);
  EXPECT_EQ(server.info().server_name, "a.example");
  EXPECT_EQ(server.info().peer, nullptr);
  EXPECT_EQ(server.count(server.stats.handshake), 1u);
  EXPECT_EQ(server.count(server.stats.tls13), 1u);
  EXPECT_EQ(server.count(server.stats.no_certificate), 1u);
  EXPECT_EQ(client.blocks.inUse() + server.blocks.inUse(), 0u);
}

TEST_F(TlsSocketTest, BytesSentBeforeTheHandshakeWaitForIt) {
  serve(serverConfig());
  dial(clientConfig());
  wire.defaultLink().latency = absl::Milliseconds(10);
  before_handshake = [&] {
    send(*server.connection, "hello");
    send(*client.connection, "early");
  };
  open();
  EXPECT_EQ(client.session.received, "hello");
  EXPECT_EQ(server.session.received, "early");
}

TEST_F(TlsSocketTest, EverySplitOfTheHandshakeAndOfTheStreamGivesTheSameBytes) {
  const std::string text = pattern(40'000);
  for (const Version version : {Version::kTls12, Version::kTls13}) {
    ServerConfig config = serverConfig();
    config.parameters.minimum = config.parameters.maximum = version;
    serve(config);
    dial(clientConfig());
    for (const size_t segment : {1, 2, 3, 5, 6, 7, 100, 1399, 16384, 16406}) {
      wire.defaultLink().segment_bytes = segment;
      listener.reset();
      open();
      ASSERT_TRUE(isOpen()) << segment << client.observed->result;
      pump(*client.connection, client.session, text);
      pump(*server.connection, server.session, text);
      simulation.runUntilIdle(absl::Seconds(5));
      EXPECT_EQ(server.session.received, text) << segment;
      EXPECT_EQ(client.session.received, text) << segment;
    }
  }
}

TEST_F(TlsSocketTest, WritesThatAreCutShortLoseAndRepeatNothing) {
  const std::string text = pattern(300'000);
  serve(serverConfig());
  dial(clientConfig());
  for (const size_t limit : {1u, 7u, 1000u, 16384u, 20000u}) {
    wire.defaultLink().write_limit = limit;
    listener.reset();
    open();
    ASSERT_TRUE(isOpen()) << limit;
    const std::string some = limit < 100 ? text.substr(0, 20'000) : text;
    pump(*client.connection, client.session, some);
    pump(*server.connection, server.session, some);
    simulation.runUntilIdle(absl::Seconds(60));
    EXPECT_TRUE(server.session.received == some) << limit << ": " << server.session.received.size();
    EXPECT_TRUE(client.session.received == some) << limit << ": " << client.session.received.size();
  }
}

TEST_F(TlsSocketTest, AReaderThatStopsStallsTheWriter) {
  serve(serverConfig());
  dial(clientConfig());
  open();
  ASSERT_TRUE(isOpen());
  server.connection->pauseReading(true);
  const std::string text = pattern(2'000'000);
  pump(*client.connection, client.session, text);
  simulation.runUntilIdle();
  EXPECT_LT(client.connection->bytesWritten(), 300'000u);
  EXPECT_EQ(server.session.received.size(), 0u);
  server.connection->pauseReading(false);
  simulation.runUntilIdle(absl::Seconds(60));
  EXPECT_TRUE(server.session.received == text) << server.session.received.size();
}

TEST_F(TlsSocketTest, AnInputLimitLeavesTheRestInTheSocket) {
  serve(serverConfig());
  dial(clientConfig());
  open();
  ASSERT_TRUE(isOpen());
  std::string got;
  server.session.on_input = [&](buffer::Buffer&) {};  // takes nothing
  const std::string text = pattern(200'000);
  pump(*client.connection, client.session, text);
  simulation.runUntilIdle();
  EXPECT_GE(server.connection->input().size(), 32u * 1024);
  EXPECT_LE(server.connection->input().size(), 100u * 1024);
  while (got.size() < text.size() && !server.connection->input().empty()) {
    got += server.connection->input().toString();
    server.connection->input().clear();
    server.connection->consumed();
    simulation.runUntilIdle();
  }
  EXPECT_TRUE(got == text) << got.size();
}

TEST_F(TlsSocketTest, ACleanEndIsAnEndAndNotTruncated) {
  serve(serverConfig());
  dial(clientConfig());
  open();
  ASSERT_TRUE(isOpen());
  send(*client.connection, "last words");
  client.connection->finishOutput();
  simulation.runUntilIdle();
  EXPECT_EQ(server.session.received, "last words");
  EXPECT_EQ(server.session.ends, 1);
  EXPECT_FALSE(server.info().truncated);
  send(*server.connection, "answer");
  simulation.runUntilIdle();
  EXPECT_EQ(client.session.received, "answer");  // half-closed
  server.connection->closeAfterFlush(absl::Seconds(1));
  simulation.runUntilIdle();
  EXPECT_EQ(client.session.closed, CloseReason::kRemote);
  EXPECT_EQ(server.session.closed, CloseReason::kLocal);
  EXPECT_EQ(server.count(server.stats.truncated), 0u);
  EXPECT_EQ(server.count(server.stats.connection_error), 0u);
}

TEST_F(TlsSocketTest, AnEndInOneSegmentWithTheLastBytesIsSeen) {
  serve(serverConfig());
  dial(clientConfig());
  for (const size_t segment : {SIZE_MAX, size_t{1}}) {
    wire.defaultLink().segment_bytes = segment;
    listener.reset();
    open();
    ASSERT_TRUE(isOpen());
    send(*server.connection, pattern(5000));
    server.connection->closeAfterFlush(absl::Seconds(1));
    simulation.runUntilIdle();
    EXPECT_EQ(client.session.received, pattern(5000));
    EXPECT_EQ(client.session.ends, 1);
  }
}

TEST_F(TlsSocketTest, AResetOfTheConnectionIsOne) {
  serve(serverConfig());
  dial(clientConfig());
  open();
  ASSERT_TRUE(isOpen());
  client.connection->close(CloseReason::kLocalReset);
  client.connection.reset();
  simulation.runUntilIdle();
  EXPECT_EQ(server.session.closed, CloseReason::kRemoteReset);
}

TEST_F(TlsSocketTest, AClosedIdleConnectionSaysGoodbye) {
  serve(serverConfig());
  dial(clientConfig());
  open();
  ASSERT_TRUE(isOpen());
  client.connection.reset();
  simulation.runUntilIdle();
  EXPECT_EQ(server.session.ends, 1);
  EXPECT_FALSE(server.info().truncated);
}

TEST_F(TlsSocketTest, APeerThatIsNotThereIsAConnectFailure) {
  dial(clientConfig());
  auto socket = client.network.connect(*Address::parse("127.0.0.1:9"), std::nullopt);
  Connection near(client.dispatcher, client.blocks, client.dress(*std::move(socket), ""), {}, client.session,
                  absl::Seconds(5));
  simulation.runUntilIdle();
  EXPECT_EQ(client.session.closed, CloseReason::kConnectFailed);
  EXPECT_EQ(clientError().find("handshake"), std::string::npos) << clientError();
}

TEST_F(TlsSocketTest, AHandshakeThatNeverComesRunsIntoTheConnectTimeout) {
  dial(clientConfig());
  open();  // the server is plain and silent
  EXPECT_EQ(client.session.opens, 0);
  simulation.runFor(absl::Seconds(6));
  EXPECT_EQ(client.session.closed, CloseReason::kConnectTimeout);
}

TEST_F(TlsSocketTest, PlaintextOnATlsPortIsNamed) {
  serve(serverConfig());
  open();
  send(*client.connection, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  simulation.runUntilIdle();
  EXPECT_EQ(server.session.closed, CloseReason::kRemoteReset);
  EXPECT_EQ(serverError(), "the peer speaks HTTP and not TLS");
  EXPECT_EQ(server.count(server.stats.connection_error), 1u);
  open();
  send(*client.connection, "SSH-2.0-OpenSSH_9.2\r\n");
  simulation.runUntilIdle();
  EXPECT_NE(serverError().find("does not speak TLS: its first bytes are 5353482d322e302d"), std::string::npos)
      << serverError();
}

TEST_F(TlsSocketTest, TlsOnAPlaintextPortIsNamed) {
  dial(clientConfig());
  open();
  send(*server.connection, "HTTP/1.1 400 Bad Request\r\n\r\n");
  simulation.runUntilIdle();
  EXPECT_EQ(client.session.closed, CloseReason::kConnectFailed);
  EXPECT_NE(clientError().find("TLS handshake with 127.0.0.1:"), std::string::npos) << clientError();
  EXPECT_NE(clientError().find("the peer speaks HTTP and not TLS"), std::string::npos) << clientError();
}

TEST_F(TlsSocketTest, APeerThatConnectsAndLeavesIsNoError) {
  serve(serverConfig());
  open();
  client.connection->finishOutput();
  simulation.runUntilIdle();
  EXPECT_EQ(server.session.ends, 1);
  EXPECT_EQ(server.count(server.stats.connection_error), 0u);
}

TEST_F(TlsSocketTest, APeerThatLeavesInTheHandshakeIsOne) {
  serve(serverConfig());
  open();
  send(*client.connection, std::string("\x16\x03\x01\x02\x00\x01", 6));
  client.connection->finishOutput();
  simulation.runUntilIdle();
  EXPECT_EQ(server.session.closed, CloseReason::kRemoteReset);
  EXPECT_EQ(serverError(), "the peer closed the connection during the handshake");
  EXPECT_EQ(server.count(server.stats.connection_error), 1u);
}

TEST_F(TlsSocketTest, AnEndWithoutGoodbyeIsAnEndAndReported) {
  serve(serverConfig());
  dial(clientConfig());
  open();
  ASSERT_TRUE(isOpen());
  send(*client.connection, "cut");
  simulation.runUntilIdle();
  client.wire->shutdownWrite();  // FIN behind TLS's back
  simulation.runUntilIdle();
  EXPECT_EQ(server.session.received, "cut");
  EXPECT_EQ(server.session.ends, 1);
  EXPECT_TRUE(server.info().truncated);
  EXPECT_EQ(server.count(server.stats.truncated), 1u);
}

TEST_F(TlsSocketTest, ForgedBytesBreakTheConnectionBehindWhatWasGood) {
  serve(serverConfig());
  dial(clientConfig());
  wire.defaultLink().latency = absl::Milliseconds(10);
  open();
  ASSERT_TRUE(isOpen());
  send(*client.connection, "good");
  const std::string forged = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x');
  const iovec piece{const_cast<char*>(forged.data()), forged.size()};
  simulation.schedule(absl::ZeroDuration(), [&] { client.wire->write({&piece, 1}); });
  simulation.runUntilIdle();
  EXPECT_EQ(server.session.received, "good");
  EXPECT_EQ(server.session.closed, CloseReason::kRemoteReset);
  EXPECT_EQ(serverError(), "decryption failed or bad record mac");
}

// The lengths of the records in what a side has written.
std::vector<size_t> records(std::string_view bytes) {
  std::vector<size_t> sizes;
  while (bytes.size() >= 5) {
    const size_t size = static_cast<unsigned char>(bytes[3]) * 256u + static_cast<unsigned char>(bytes[4]);
    sizes.push_back(size);
    bytes.remove_prefix(std::min(bytes.size(), size + 5));
  }
  return sizes;
}

TEST_F(TlsSocketTest, RecordsAreSmallFirstAndAgainAfterAPause) {
  serve(serverConfig());
  dial(clientConfig());
  open();
  ASSERT_TRUE(isOpen());
  for (int burst = 0; burst < 2; ++burst) {
    server.wire->written.clear();
    pump(*server.connection, server.session, pattern(400'000));
    simulation.runFor(absl::Seconds(2));
    const std::vector<size_t> sizes = records(server.wire->written);
    const size_t large = static_cast<size_t>(std::count(sizes.begin(), sizes.end(), 16'384u + 17));
    ASSERT_GT(sizes.size(), 40u);
    for (size_t i = 0; i < 20; ++i) EXPECT_EQ(sizes[i], 1399u + 17) << i;
    EXPECT_GE(large, 10u);
  }
}

TEST_F(TlsSocketTest, ARequestOfManyPiecesIsOneRecordAndOneWrite) {
  serve(serverConfig());
  dial(clientConfig());
  open();
  ASSERT_TRUE(isOpen());
  const iovec pieces[] = {{const_cast<char*>("GET / "), 6}, {nullptr, 0}, {const_cast<char*>("HTTP/1.1"), 8}};
  client.wire->written.clear();
  client.wire->writes = 0;
  const IoResult result = client.observed->write(pieces);
  EXPECT_EQ(result.bytes, 14u);
  EXPECT_EQ(client.wire->writes, 1u);
  EXPECT_EQ(records(client.wire->written), std::vector<size_t>{14 + 17});
  simulation.runUntilIdle();
  EXPECT_EQ(server.session.received, "GET / HTTP/1.1");
}

}  // namespace
}  // namespace weir::net::tls
