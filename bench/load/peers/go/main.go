// The reverse proxy of Go's standard library with as many idle connections to the origin as it needs.
// Arguments: where it listens, the origin, and for TLS a certificate and its key.
package main

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"sync"
)

// Buffers for bodies are used again, which the standard library leaves to its user.
type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte  { return *b.pool.Get().(*[]byte) }
func (b *buffers) Put(p []byte) { b.pool.Put(&p) }

func main() {
	origin, err := url.Parse("http://" + os.Args[2])
	if err != nil {
		panic(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(origin)
	proxy.Transport = &http.Transport{MaxIdleConns: 1000, MaxIdleConnsPerHost: 1000, DisableCompression: true}
	proxy.BufferPool = &buffers{sync.Pool{New: func() any {
		made := make([]byte, 64*1024)
		return &made
	}}}
	if len(os.Args) > 4 {
		panic(http.ListenAndServeTLS(os.Args[1], os.Args[3], os.Args[4], proxy))
	}
	panic(http.ListenAndServe(os.Args[1], proxy))
}
