// OpenSSL's queue of errors as one sentence. The queue is the thread's; whoever gets a failure from OpenSSL empties it
// at once, so that it is empty whenever the next call is made.
#pragma once

#include <string>

namespace weir::net::tls {

// What the oldest error says, for people: "key values mismatch", "the peer sent the alert 'bad certificate'". Empty
// when there is none. Empties the queue.
std::string takeOpensslError();
// Whether the oldest error is that the peer showed no certificate where one is required. Leaves the queue alone.
bool peerShowedNoCertificate();
// Empties the queue when the reason does not matter.
void dropOpensslErrors();

}  // namespace weir::net::tls
