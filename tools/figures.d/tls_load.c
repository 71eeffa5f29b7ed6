// Traffic over TLS 1.3 for tools/figures, and the origin behind it.
//
//   tls_load origin                             prints "port N" and answers GET /BYTES with so many bytes
//   tls_load full PORT THREADS SECONDS          each thread: connect, full handshake, GET /100, close, and again
//   tls_load resumed PORT THREADS SECONDS       the same with the session of the connection before
//   tls_load requests PORT THREADS SECONDS PATH each thread: GET PATH again and again on one connection
//   tls_load idle PORT COUNT                    opens connections, one GET /100 on each, prints "open" and keeps them
//
// Those with SECONDS print "done N", N requests. All end with their standard input at the latest. Anything but a 200 of the
// right length, and a handshake of the other kind, is an error.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { kBuffer = 65536 };

static struct sockaddr_in g_address = {.sin_family = AF_INET};
static double g_until;
static const char *g_path = "/100";
static enum { kFull, kResumed, kRequests } g_mode;

static void fail(const char *what) {
  fprintf(stderr, "tls_load: %s: %s\n", what, strerror(errno));
  ERR_print_errors_fp(stderr);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void no_delay(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

// --- client ---

struct client {
  SSL_CTX *context;
  SSL *ssl;
  SSL_SESSION *session;  // of the newest ticket
  int fd;
  unsigned long done;
  char buffer[kBuffer];
};

static int on_session(SSL *ssl, SSL_SESSION *session) {
  struct client *c = SSL_get_app_data(ssl);
  SSL_SESSION_free(c->session);
  c->session = session;
  return 1;
}

static SSL_CTX *make_context(void) {
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
  SSL_CTX_set1_curves_list(context, "X25519");
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, on_session);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  return context;
}

static void start(struct client *c, int resume) {
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&g_address, sizeof(g_address)) != 0) fail("connect");
  no_delay(c->fd);
  c->ssl = SSL_new(c->context);
  SSL_set_app_data(c->ssl, c);
  SSL_set_fd(c->ssl, c->fd);
  SSL_set_tlsext_host_name(c->ssl, "bench");
  if (resume && c->session != NULL) SSL_set_session(c->ssl, c->session);
  if (SSL_connect(c->ssl) != 1) fail("handshake");
  if (SSL_session_reused(c->ssl) != (resume && c->session != NULL)) {
    fprintf(stderr, "tls_load: the session was %sresumed\n", resume ? "not " : "");
    exit(1);
  }
}

static void end(struct client *c) {
  SSL_shutdown(c->ssl);
  SSL_free(c->ssl);
  close(c->fd);
}

static void request(struct client *c) {
  char text[200];
  const int size = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: bench\r\nUser-Agent: load\r\nAccept: */*\r\n\r\n", g_path);
  if (SSL_write(c->ssl, text, size) != size) fail("write");
  size_t got = 0;
  char *head = NULL;
  while (head == NULL) {
    const int n = SSL_read(c->ssl, c->buffer + got, (int)(kBuffer - 1 - got));
    if (n <= 0) fail("read");
    got += (size_t)n;
    c->buffer[got] = 0;
    head = strstr(c->buffer, "\r\n\r\n");
  }
  size_t left = strtoul(g_path + 1, NULL, 10);
  got -= (size_t)(head + 4 - c->buffer);
  if (strncmp(c->buffer, "HTTP/1.1 200 ", 13) != 0 || got > left) {
    fprintf(stderr, "tls_load: not what was asked for: %.60s\n", c->buffer);
    exit(1);
  }
  for (left -= got; left > 0;) {
    const int n = SSL_read(c->ssl, c->buffer, (int)(left < kBuffer ? left : kBuffer));
    if (n <= 0) fail("read");
    left -= (size_t)n;
  }
  ++c->done;
}

static void *run(void *argument) {
  struct client *c = argument;
  c->context = make_context();
  if (g_mode == kRequests) start(c, 0);
  do {
    if (g_mode != kRequests) start(c, g_mode == kResumed);
    request(c);
    if (g_mode != kRequests) end(c);
  } while (now() < g_until);
  return NULL;
}

static void traffic(int threads, double seconds) {
  pthread_t *ids = calloc((size_t)threads, sizeof(*ids));
  struct client **clients = calloc((size_t)threads, sizeof(*clients));
  g_until = now() + seconds;
  for (int i = 0; i < threads; ++i) {
    clients[i] = calloc(1, sizeof(struct client));
    if (pthread_create(&ids[i], NULL, run, clients[i]) != 0) fail("thread");
  }
  unsigned long done = 0;
  for (int i = 0; i < threads; ++i) {
    pthread_join(ids[i], NULL);
    done += clients[i]->done;
  }
  printf("done %lu\n", done);
}

static void idle(int count) {
  struct client *c = calloc(1, sizeof(*c));
  c->context = make_context();
  for (int i = 0; i < count; ++i) {
    start(c, 0);
    request(c);
  }
  printf("open\n");
  fflush(stdout);
  while (getchar() != EOF) {
  }
}

// --- origin ---

static void *serve(void *argument) {
  const int fd = (int)(long)argument;
  static const char kZeros[kBuffer];
  char in[4096];
  size_t used = 0;
  no_delay(fd);
  for (;;) {
    const ssize_t n = read(fd, in + used, sizeof(in) - 1 - used);
    if (n <= 0) break;
    used += (size_t)n;
    in[used] = 0;
    if (strstr(in, "\r\n\r\n") == NULL) continue;
    used = 0;
    size_t left = strncmp(in, "GET /", 5) == 0 ? strtoul(in + 5, NULL, 10) : 0;
    char out[4096];
    size_t size = (size_t)snprintf(out, sizeof(out), "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n", left);
    const size_t with_head = left < 1024 ? left : 1024;
    memset(out + size, 0, with_head);
    size += with_head;
    left -= with_head;
    if (write(fd, out, size) != (ssize_t)size) break;
    while (left > 0) {
      const ssize_t sent = write(fd, kZeros, left < kBuffer ? left : kBuffer);
      if (sent <= 0) break;
      left -= (size_t)sent;
    }
    if (left > 0) break;
  }
  close(fd);
  return NULL;
}

static void *accept_all(void *argument) {
  const int listener = (int)(long)argument;
  for (;;) {
    const int fd = accept(listener, NULL, NULL);
    pthread_t id;
    if (fd < 0 || pthread_create(&id, NULL, serve, (void *)(long)fd) != 0) fail("accept");
    pthread_detach(id);
  }
  return NULL;
}

static void origin(void) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  socklen_t size = sizeof(g_address);
  if (bind(listener, (struct sockaddr *)&g_address, size) != 0 || listen(listener, 1000) != 0 ||
      getsockname(listener, (struct sockaddr *)&g_address, &size) != 0) {
    fail("listen");
  }
  printf("port %d\n", ntohs(g_address.sin_port));
  fflush(stdout);
  pthread_t id;
  if (pthread_create(&id, NULL, accept_all, (void *)(long)listener) != 0) fail("thread");
  while (getchar() != EOF) {
  }
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "";
  signal(SIGPIPE, SIG_IGN);
  g_address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (strcmp(mode, "origin") == 0 && argc == 2) {
    origin();
    return 0;
  }
  if (argc < 4) {
    fprintf(stderr, "usage: see the top of tls_load.c\n");
    return 2;
  }
  g_address.sin_port = htons((unsigned short)atoi(argv[2]));
  if (strcmp(mode, "idle") == 0) {
    idle(atoi(argv[3]));
    return 0;
  }
  g_mode = strcmp(mode, "full") == 0 ? kFull : strcmp(mode, "resumed") == 0 ? kResumed : kRequests;
  if (argc > 5) g_path = argv[5];
  traffic(atoi(argv[3]), atof(argv[4]));
  return 0;
}
