// The gRPC-Web filter: lets browsers, which cannot see trailers, call gRPC services. A request of type
// application/grpc-web or application/grpc-web-text goes on as application/grpc; its response comes back in the same
// form, with the trailers as one more message whose flag has the bit 0x80. Bodies are turned as they pass, message by
// message; nothing is collected. Other requests are left alone.
//
// Text (-text) is base64 both ways; the response is text when the request was, unless `accept` says which it shall be.
// A response whose status is in its head alone keeps it there. A response that is not gRPC passes as it is, with the
// grpc-status that its HTTP status means. Base64 that is not well formed is answered with 400.
#pragma once

#include "source/filter/http_filter_factory.h"

namespace weir::extensions::grpc_web {

filter::HttpFilterType grpcWebType();

}  // namespace weir::extensions::grpc_web
