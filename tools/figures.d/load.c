// A closed loop of HTTP/1.1 requests over keep-alive connections, for tools/figures.
//
//   load PORT CONNECTIONS
//
// opens the connections to 127.0.0.1, does one request on each and prints "warm". Then each line "run SECONDS" on standard
// input keeps one request under way on every connection for so long, lets the last ones finish and prints
// "requests N". Between runs nothing is sent. The end of input ends it.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char kRequest[] = "GET / HTTP/1.1\r\nHost: figures\r\nUser-Agent: load\r\nAccept: */*\r\n\r\n";

// How many may do their first request at once.
enum { kWarmUp = 20, kBuffer = 8192 };

struct connection {
  int fd;
  size_t used;
  char data[kBuffer];
};

static void fail(const char *what) {
  fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void send_request(struct connection *c) {
  if (write(c->fd, kRequest, sizeof(kRequest) - 1) != (ssize_t)sizeof(kRequest) - 1) fail("write");
}

// Reads once; 1 when a whole response is there, which is then dropped.
static int read_response(struct connection *c) {
  const ssize_t got = read(c->fd, c->data + c->used, kBuffer - 1 - c->used);
  if (got <= 0) fail("read");
  c->used += (size_t)got;
  c->data[c->used] = 0;
  char *end = strstr(c->data, "\r\n\r\n");
  if (end == NULL) return 0;
  if (strncmp(c->data, "HTTP/1.1 200 ", 13) != 0) {
    fprintf(stderr, "load: not a 200: %.60s\n", c->data);
    exit(1);
  }
  const char *length = strcasestr(c->data, "\r\ncontent-length:");
  if (length == NULL || length > end) {
    fprintf(stderr, "load: a response without content-length\n");
    exit(1);
  }
  const size_t whole = (size_t)(end + 4 - c->data) + strtoul(length + 17, NULL, 10);
  if (c->used < whole) return 0;
  c->used = 0;
  return 1;
}

static unsigned long run(int epoll, struct connection *all, int count, double seconds) {
  const double until = now() + seconds;
  unsigned long done = 0;
  int under_way = 0;
  for (int i = 0; i < count; ++i, ++under_way) send_request(&all[i]);
  struct epoll_event events[256];
  while (under_way > 0) {
    const int ready = epoll_wait(epoll, events, 256, 10000);
    if (ready <= 0) fail("epoll_wait");
    const int more = now() < until;
    for (int i = 0; i < ready; ++i) {
      struct connection *c = events[i].data.ptr;
      if (!read_response(c)) continue;
      ++done;
      if (more) {
        send_request(c);
      } else {
        --under_way;
      }
    }
  }
  return done;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: load PORT CONNECTIONS\n");
    return 2;
  }
  const int count = atoi(argv[2]);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1]))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  struct connection *all = calloc((size_t)count, sizeof(*all));
  const int epoll = epoll_create1(0);
  for (int i = 0; i < count; ++i) {
    struct connection *c = &all[i];
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof(address)) != 0) fail("connect");
    const int on = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event) != 0) fail("epoll_ctl");
  }
  for (int first = 0; first < count; first += kWarmUp) {
    const int next = count - first < kWarmUp ? count - first : kWarmUp;
    run(epoll, all + first, next, 0);
  }
  printf("warm\n");
  fflush(stdout);
  char line[64];
  while (fgets(line, sizeof(line), stdin) != NULL) {
    double seconds = 0;
    if (sscanf(line, "run %lf", &seconds) != 1) return 2;
    printf("requests %lu\n", run(epoll, all, count, seconds));
    fflush(stdout);
  }
  return 0;
}
