// Sessions are resumed with tickets and from the cache, on any worker, and only under the policy they were made under.

#include "source/net/tls/session_cache.h"
#include "source/net/tls/ticket_keys.h"
#include "test/net/tls/tls_pair.h"

namespace weir::net::tls {
namespace {

class ResumptionTest : public TlsPair {
 protected:
  // Opens, and waits for tickets to arrive; whether the session was resumed, as both sides see it.
  bool resumed() {
    open();
    EXPECT_TRUE(isOpen()) << clientError();
    exchange();
    EXPECT_EQ(client.info().resumed, server.info().resumed);
    return server.info().resumed;
  }
};

TEST_F(ResumptionTest, ASessionIsResumedByTicketAndById) {
  for (const Version version : {Version::kTls12, Version::kTls13}) {
    for (const bool tickets : {true, false}) {
      ServerConfig config = serverConfig();
      config.parameters.minimum = config.parameters.maximum = version;
      config.session_tickets = tickets;
      config.session_cache = !tickets;
      serve(config);
      dial(clientConfig());
      listener.reset();
      EXPECT_FALSE(resumed());
      EXPECT_TRUE(resumed()) << tickets;
      EXPECT_TRUE(resumed()) << tickets;
      EXPECT_TRUE(client.info().verified);
      EXPECT_NE(client.info().peer, nullptr);
    }
  }
  EXPECT_EQ(server.count(server.stats.session_reused), 8u);
}

TEST_F(ResumptionTest, ItCanBeSwitchedOffOnEitherSide) {
  ServerConfig config = serverConfig();
  config.session_tickets = config.session_cache = false;
  serve(config);
  dial(clientConfig());
  EXPECT_FALSE(resumed());
  EXPECT_FALSE(resumed());
  serve(serverConfig());
  ClientConfig without = clientConfig();
  without.sessions_per_host = 0;
  dial(without);
  EXPECT_FALSE(resumed());
  EXPECT_FALSE(resumed());
}

TEST_F(ResumptionTest, AnEndWithoutGoodbyeDoesNotCostTheSession) {
  serve(serverConfig());
  dial(clientConfig());
  EXPECT_FALSE(resumed());
  client.wire->shutdownWrite();
  simulation.runUntilIdle();
  EXPECT_TRUE(resumed());
}

TEST_F(ResumptionTest, GivenKeysOpenTicketsOfAnotherContext) {
  ServerConfig config = serverConfig();
  config.ticket_keys = {std::string(80, 'k')};
  serve(config);
  dial(clientConfig());
  EXPECT_FALSE(resumed());
  config.ticket_keys = {std::string(80, 'n'), std::string(80, 'k')};  // replaced, and the old one still opens
  serve(config);
  EXPECT_TRUE(resumed());
  config.ticket_keys = {std::string(80, 'n')};
  serve(config);
  EXPECT_TRUE(resumed());  // it was sealed anew
  config.ticket_keys = {std::string(80, 'x')};
  serve(config);
  EXPECT_FALSE(resumed());
}

TEST_F(ResumptionTest, ATicketOfAnotherPolicyIsNotTaken) {
  const TestCertificate identity = authority.leaf({{GEN_URI, "spiffe://mesh/a"}});
  ServerConfig open_to_all = serverConfig();
  open_to_all.ticket_keys = {std::string(80, 'k')};
  ServerConfig closed = open_to_all;
  closed.validation.emplace();
  closed.validation->trusted_ca = authority.root.pem;
  closed.require_client_certificate = true;
  // A session without a client certificate must not open the door that asks for one.
  serve(open_to_all);
  dial(clientConfig());
  EXPECT_FALSE(resumed());
  serve(closed);
  open();
  EXPECT_TRUE(server.session.closed.has_value());
  EXPECT_NE(serverError().find("no certificate"), std::string::npos) << serverError();
  // One of a looser check must not pass for one of a stricter.
  ClientConfig with = clientConfig();
  with.certificates.push_back(identity.config());
  dial(with);
  serve(closed);
  EXPECT_FALSE(resumed());
  EXPECT_TRUE(resumed());
  EXPECT_TRUE(server.info().verified);
  EXPECT_EQ(server.info().peer->uris.front(), "spiffe://mesh/a");
  closed.validation->names = {SanMatcher(SanType::kUri, SanMatcher::Kind::kExact, "spiffe://mesh/b", false)};
  serve(closed);
  open();
  EXPECT_TRUE(server.session.closed.has_value());
}

TEST_F(ResumptionTest, SessionsAreKeptByServerName) {
  ServerConfig config = serverConfig();
  const TestCertificate b = authority.leaf({{GEN_DNS, "b.example"}});
  config.certificates.push_back(b.config());
  serve(config);
  ClientConfig by_host = clientConfig("");
  by_host.host_name_as_sni = true;
  dial(by_host);
  open("a.example");
  exchange();
  open("b.example");
  ASSERT_TRUE(isOpen());
  EXPECT_FALSE(client.info().resumed);
  exchange();
  open("a.example");
  EXPECT_TRUE(client.info().resumed);
}

TEST(TicketKeysTest, TheKeyBeforeOpensForOnePeriodMore) {
  TicketKeys keys(absl::Hours(1));
  base::MonotonicTime now{1'000'000'000};
  const TicketKeys::Key first = keys.sealing(now);
  EXPECT_EQ(keys.sealing(now + absl::Minutes(59)).name, first.name);
  now = now + absl::Minutes(61);
  const TicketKeys::Key second = keys.sealing(now);
  EXPECT_NE(second.name, first.name);
  ASSERT_TRUE(keys.find(first.name.data(), now).has_value());
  EXPECT_TRUE(keys.find(first.name.data(), now)->renew);
  EXPECT_FALSE(keys.find(second.name.data(), now)->renew);
  now = now + absl::Minutes(61);
  EXPECT_FALSE(keys.find(first.name.data(), now).has_value());
  EXPECT_TRUE(keys.find(second.name.data(), now).has_value());
  now = now + absl::Hours(5);
  EXPECT_FALSE(keys.find(second.name.data(), now).has_value());
}

OpensslPtr<SSL_SESSION> session(int version) {
  OpensslPtr<SSL_SESSION> made(SSL_SESSION_new());
  SSL_SESSION_set_protocol_version(made.get(), version);
  return made;
}

TEST(SessionCacheTest, IsBoundedByHostAndInAll) {
  SessionCache cache(2, 3);
  for (const char* host : {"a", "b", "c"}) cache.put(host, session(TLS1_3_VERSION));
  cache.put("a", session(TLS1_3_VERSION));
  cache.put("a", session(TLS1_3_VERSION));
  cache.put("d", session(TLS1_3_VERSION));
  EXPECT_EQ(cache.hosts(), 3u);
  EXPECT_EQ(cache.take("b"), nullptr);  // the one filled longest ago had to go
  EXPECT_NE(cache.take("a"), nullptr);
  EXPECT_NE(cache.take("a"), nullptr);
  EXPECT_EQ(cache.take("a"), nullptr);  // two for each host, each taken once
  EXPECT_EQ(cache.hosts(), 2u);
}

}  // namespace
}  // namespace weir::net::tls
