/* The plugin ABI of weir: what a filter in a shared object and the proxy that loads it say to each other. One C header
 * without dependencies; weir_filter.hpp beside it is the C++ SDK that most filters are written with.
 *
 * The host loads a shared object (RTLD_NOW | RTLD_LOCAL) and calls its one symbol, weir_plugin_entry, with the table
 * of its own functions. What comes back is the plugin's description, with the tables of its hooks. Both live as long
 * as the object is loaded.
 *
 * Versions. Every table begins with its size in bytes; whoever reads a table takes what lies within that size, and all
 * behind it as zero. Fields are only ever appended, and every hook may be null. A host refuses a plugin of another
 * major version and loads every minor of its own, older or newer.
 *
 * Threads. Hooks run on the worker that owns the stream, one at a time and never while a host function is on the
 * stack: a host function never calls back. Functions that take a weir_stream are for that worker alone, from any hook;
 * from another thread they do nothing and answer WEIR_STALE. Functions that take a weir_token, and log(), may be
 * called from any thread. Configurations are made and freed on the main thread and read by all workers.
 *
 * Memory. A text that the host gives is valid until the hook that asked returns, whatever else is called in it.
 * Everything that is given to the host is copied. A handle (weir_stream, weir_token) is a plain value with a
 * generation: it may be kept for ever, and once what it named is gone, every function answers WEIR_STALE.
 *
 * No function crashes on a bad argument: it answers WEIR_INVALID, and the host counts it. */
#ifndef WEIR_PLUGIN_H_
#define WEIR_PLUGIN_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_ABI_MAJOR 1
#define WEIR_ABI_MINOR 1

/* --- plain values ------------------------------------------------------------------------------------------------ */

/* Bytes; not terminated. */
typedef struct weir_text {
  const char* data;
  size_t size;
} weir_text;

typedef struct weir_field {
  weir_text name; /* in lower case where the host gives it */
  weir_text value;
} weir_field;

struct weir_host_api;

/* What handles lead to. Opaque but for the way to the functions of the host. */
typedef struct weir_worker {
  size_t size;
  const struct weir_host_api* api;
} weir_worker;

/* An HTTP exchange or a connection, as one filter sees it. */
typedef struct weir_stream {
  weir_worker* worker;
  uint32_t slot;
  uint32_t generation;
} weir_stream;

/* The right to answer one pause, once, from any thread. */
typedef struct weir_token {
  weir_worker* worker;
  uint32_t slot;
  uint32_t generation;
} weir_token;

/* A configuration that is being made; valid during the call that got it. */
typedef struct weir_config {
  size_t size;
  const struct weir_host_api* api;
} weir_config;

/* What a host function answers. */
typedef int32_t weir_result;
#define WEIR_OK 0
#define WEIR_STALE 1     /* the handle names nothing any more, or this is not its worker */
#define WEIR_INVALID 2   /* an argument is not allowed: an unknown number, a bad header name, a second answer */
#define WEIR_NOT_FOUND 3 /* there is no such header, attribute, field, cluster or route configuration */
#define WEIR_TOO_SMALL 4 /* more than the given capacity; nothing was filled in */
#define WEIR_TOO_LATE 5  /* this part of the message has gone on already, or was not there yet */

/* What a hook answers. */
typedef int32_t weir_verdict;
#define WEIR_CONTINUE 0 /* go on with the next filter */
#define WEIR_PAUSE 1    /* hold this part and all later ones of this direction, until resume() or reply() */
#define WEIR_BUFFER 2   /* from a head hook: call the whole-message hook when all of the message has come */
#define WEIR_REPLIED 3  /* reply() was called */
#define WEIR_FAILED 4   /* the hook failed (an exception): this stream is answered with 500, and the host counts it */
#define WEIR_CLOSE 5    /* network filters: drop the connection */

/* The direction of a message. For network filters: of what is received, and of what is sent. */
#define WEIR_REQUEST 0
#define WEIR_RESPONSE 1

/* A set of fields. Names that begin with ':' stand for what is no field: :method, :scheme, :authority and :path of a
 * request, :status of a response. content-length is what the sender declared; removing it makes the length open. */
typedef uint32_t weir_fields;
#define WEIR_REQUEST_HEAD 0
#define WEIR_REQUEST_TRAILERS 1
#define WEIR_RESPONSE_HEAD 2
#define WEIR_RESPONSE_TRAILERS 3
#define WEIR_CALL_HEAD 4 /* of the response to an http_call(), during call_done */

/* A body: the piece that the data hook was called for, or the whole one in a whole-message hook. In an end hook it is
 * empty, and what is appended goes on before the end. */
typedef uint32_t weir_body;
#define WEIR_REQUEST_BODY 0
#define WEIR_RESPONSE_BODY 1
#define WEIR_CALL_BODY 2         /* of the response to an http_call(), during call_done; cannot be edited */
#define WEIR_CONNECTION_DATA 3   /* network filters: what was received */
#define WEIR_CONNECTION_OUTPUT 4 /* network filters: what is about to be sent to the client; since 1.1 */

/* Attributes that are text. */
#define WEIR_METHOD 0
#define WEIR_SCHEME 1
#define WEIR_AUTHORITY 2
#define WEIR_PATH 3 /* with its query */
#define WEIR_PROTOCOL 4
#define WEIR_ROUTE_NAME 5
#define WEIR_VIRTUAL_HOST 6
#define WEIR_CLUSTER 7
#define WEIR_DOWNSTREAM_REMOTE 8 /* the client as far as it is trusted, "ip:port" */
#define WEIR_DOWNSTREAM_DIRECT_REMOTE 9
#define WEIR_DOWNSTREAM_LOCAL 10
#define WEIR_UPSTREAM_REMOTE 11
#define WEIR_REQUEST_ID 12
#define WEIR_REASON_NAME 13 /* why weir answered or ended it by itself, "no_route" */
#define WEIR_CLIENT_IP 14   /* WEIR_DOWNSTREAM_REMOTE without the port */

/* Attributes that are numbers. */
#define WEIR_STATUS 0 /* of the response; 0 before there is one */
#define WEIR_BYTES_RECEIVED 1
#define WEIR_BYTES_SENT 2
#define WEIR_CONNECTION_ID 3
#define WEIR_WORKER 4   /* the number of the worker */
#define WEIR_DURATION 5 /* nanoseconds since the exchange began */
#define WEIR_NOW 6      /* nanoseconds of a clock that never goes back; the time that this turn of the worker began */
#define WEIR_WALL 7     /* nanoseconds since 1970 */
#define WEIR_RANDOM 8   /* 64 random bits; not for secrets */
#define WEIR_UPSTREAM_ATTEMPTS 9

#define WEIR_DEBUG 1
#define WEIR_INFO 2
#define WEIR_WARNING 3
#define WEIR_ERROR 4

/* An answer that a filter gives instead of the upstream. Only filters further out see it. */
typedef struct weir_reply {
  size_t size;
  uint32_t status; /* 200 to 599 */
  uint32_t field_count;
  const weir_field* fields;
  weir_text body; /* text/plain unless the fields say otherwise */
} weir_reply;

/* A request of the filter's own. */
typedef struct weir_call {
  size_t size;
  weir_text cluster;
  weir_text method;    /* GET when empty */
  weir_text authority; /* the name of the cluster when empty */
  weir_text path;
  const weir_field* fields;
  size_t field_count;
  weir_text body;
  uint64_t timeout_ns; /* until the whole response is there; 0: one second */
} weir_call;

/* How an http_call() ended, beside the status of its response, which is 100 or more. */
#define WEIR_CALL_FAILED 0    /* no connection, a reset, a response that is no HTTP */
#define WEIR_CALL_TIMED_OUT 1 /* the response was not there in time */
#define WEIR_CALL_TOO_LARGE 2 /* the body of the response is above the limit of 1 MiB */

/* A node of a configuration. */
typedef struct weir_value {
  size_t size;
  uint32_t kind;
  int32_t boolean;
  double number;
  weir_text text;
  size_t count; /* of items of a list, of entries of a map */
} weir_value;
#define WEIR_VALUE_NULL 0
#define WEIR_VALUE_BOOL 1
#define WEIR_VALUE_NUMBER 2
#define WEIR_VALUE_TEXT 3
#define WEIR_VALUE_LIST 4
#define WEIR_VALUE_MAP 5

/* --- what the host can do ---------------------------------------------------------------------------------------- */

typedef struct weir_host_api {
  size_t size;
  uint16_t major;
  uint16_t minor;

  /* The process's own log. Any thread. */
  void (*log)(uint32_t level, weir_text line);

  /* While a configuration is made. */

  /* The value at a path: "rules[2].name"; empty: the whole. */
  weir_result (*config_get)(const weir_config* config, weir_text path, weir_value* out);
  /* The key of entry `index` of the map at a path. */
  weir_result (*config_key)(const weir_config* config, weir_text path, size_t index, weir_text* out);
  /* The configuration in protobuf's binary form: of the plugin's own type, or a google.protobuf.Struct. */
  weir_result (*config_message)(const weir_config* config, weir_text* out);
  /* Refuses the configuration. The user gets file, line and column of what stands at `path`. */
  void (*config_error)(const weir_config* config, weir_text path, weir_text message);
  /* Metrics: plugin.FILTER.NAME, in [a-z0-9_.]. The same name gives the same number. */
  weir_result (*config_counter)(const weir_config* config, weir_text name, uint32_t* id);
  weir_result (*config_gauge)(const weir_config* config, weir_text name, uint32_t* id);
  weir_result (*config_histogram)(const weir_config* config, weir_text name, uint32_t* id);

  /* Reading a stream. */

  weir_result (*attribute_text)(weir_stream stream, uint32_t attribute, weir_text* out);
  weir_result (*attribute_number)(weir_stream stream, uint32_t attribute, uint64_t* out);
  /* The plugin's configuration of the chosen route, the most specific one. */
  weir_result (*route_config)(weir_stream stream, void** out);

  /* Fields. */

  weir_result (*field_count)(weir_stream stream, weir_fields fields, size_t* out);
  /* All of them, in order, without those that begin with ':'. Ask field_count() first: more than `capacity` is
   * WEIR_TOO_SMALL. */
  weir_result (*field_list)(weir_stream stream, weir_fields fields, weir_field* out, size_t capacity, size_t* filled);
  /* Values of a repeated name are joined by ",". */
  weir_result (*field_get)(weir_stream stream, weir_fields fields, weir_text name, weir_text* out);
  /* Replaces all of that name. */
  weir_result (*field_set)(weir_stream stream, weir_fields fields, weir_text name, weir_text value);
  weir_result (*field_append)(weir_stream stream, weir_fields fields, weir_text name, weir_text value);
  /* WEIR_NOT_FOUND when there was none. */
  weir_result (*field_remove)(weir_stream stream, weir_fields fields, weir_text name);

  /* Bodies, in data, end and whole-message hooks and while they are paused. */

  weir_result (*body_size)(weir_stream stream, weir_body body, size_t* out);
  weir_result (*body_slice_count)(weir_stream stream, weir_body body, size_t* out);
  /* Its pieces. Ask body_slice_count() first: more than `capacity` is WEIR_TOO_SMALL. */
  weir_result (*body_slices)(weir_stream stream, weir_body body, weir_text* out, size_t capacity, size_t* filled);
  /* Copies `size` bytes from `offset` on; WEIR_INVALID when it has fewer. */
  weir_result (*body_copy)(weir_stream stream, weir_body body, size_t offset, char* out, size_t size);
  /* Drops the first bytes; WEIR_INVALID when it has fewer. */
  weir_result (*body_drain)(weir_stream stream, weir_body body, size_t bytes);
  weir_result (*body_append)(weir_stream stream, weir_body body, weir_text bytes);
  weir_result (*body_replace)(weir_stream stream, weir_body body, weir_text bytes);

  /* Answers. Effects come after the hook has returned. */

  /* Once per stream; from a hook that then returns WEIR_REPLIED, or while the stream is paused. */
  weir_result (*reply)(weir_stream stream, const weir_reply* reply);
  /* Ends the pause of that direction. WEIR_INVALID when it is not paused. */
  weir_result (*resume)(weir_stream stream, uint32_t direction);
  /* The request was edited so that another route may match: choose again before the next filter. Request head only. */
  weir_result (*reroute)(weir_stream stream);
  /* Network filters: sends bytes to the client. Only filters further out see them. */
  weir_result (*write)(weir_stream stream, weir_text bytes);

  /* Later. */

  /* A token for the pause that the running hook of that direction is about to return. */
  weir_result (*defer)(weir_stream stream, uint32_t direction, weir_token* out);
  /* Calls the hook `timer` with that id (of the plugin's choice), once; replaces an earlier one of the id. */
  weir_result (*timer_set)(weir_stream stream, uint32_t id, uint64_t after_ns);
  weir_result (*timer_cancel)(weir_stream stream, uint32_t id);
  /* Sends a request; the hook `call_done` gets its id. WEIR_NOT_FOUND: there is no such cluster. */
  weir_result (*http_call)(weir_stream stream, const weir_call* call, uint32_t* id);
  weir_result (*call_cancel)(weir_stream stream, uint32_t id);

  /* Any thread. All run on the worker of the stream, later. A token ends with its first answer, with token_drop() and
   * with its stream. */

  weir_result (*token_resume)(weir_token token);
  weir_result (*token_reply)(weir_token token, const weir_reply* reply);
  /* Runs `run` with the filter's object; the token stays. Exactly one of `run` and `drop` is called: `drop`, on any
   * thread and perhaps inside this call, when the stream is gone. */
  weir_result (*token_post)(weir_token token, weir_verdict (*run)(void* self, weir_stream stream, void* data),
                            void (*drop)(void* data), void* data);
  weir_result (*token_drop)(weir_token token);

  /* Counting. */

  weir_result (*counter_add)(weir_stream stream, uint32_t id, uint64_t n);
  weir_result (*gauge_add)(weir_stream stream, uint32_t id, int64_t n);
  weir_result (*histogram_record)(weir_stream stream, uint32_t id, uint64_t value);
} weir_host_api;

/* --- what a plugin is -------------------------------------------------------------------------------------------- */

/* The message passes in pieces that the filter changes: declared lengths are taken away from its head. */
#define WEIR_EDITS_REQUEST_BODY 1u
#define WEIR_EDITS_RESPONSE_BODY 2u

/* An HTTP filter. `self` is what stream_new() made. Per direction: head, then data any number of times, then end; the
 * head hook of responses runs for informational heads (1xx) too. After WEIR_BUFFER the whole-message hook is called
 * instead of data and end. complete comes once, last, when the exchange is over; stream_free always follows. */
typedef struct weir_http_filter {
  size_t size;
  uint32_t flags;
  uint32_t stream_align;
  size_t stream_size; /* bytes that the host gives to stream_new() */

  /* Null refuses the configuration; config_error() says why. Main thread. */
  void* (*config_new)(const weir_config* config);
  void (*config_free)(void* config);
  /* The same for a route. */
  void* (*route_config_new)(const weir_config* config, void* filter_config);
  void (*route_config_free)(void* route_config);

  /* Makes the filter of one exchange in `memory`; WEIR_CONTINUE or WEIR_FAILED. `config` outlives it. */
  weir_verdict (*stream_new)(void* memory, const void* config, weir_stream stream);
  void (*stream_free)(void* self);

  weir_verdict (*request_head)(void* self, weir_stream stream);
  weir_verdict (*request_data)(void* self, weir_stream stream);
  weir_verdict (*request_end)(void* self, weir_stream stream);
  weir_verdict (*request_whole)(void* self, weir_stream stream);
  weir_verdict (*response_head)(void* self, weir_stream stream);
  weir_verdict (*response_data)(void* self, weir_stream stream);
  weir_verdict (*response_end)(void* self, weir_stream stream);
  weir_verdict (*response_whole)(void* self, weir_stream stream);
  weir_verdict (*complete)(void* self, weir_stream stream);

  weir_verdict (*timer)(void* self, weir_stream stream, uint32_t id);
  /* `outcome` is the status of the response, or WEIR_CALL_FAILED and the like. */
  weir_verdict (*call_done)(void* self, weir_stream stream, uint32_t id, uint32_t outcome);
} weir_http_filter;

/* A network filter: sees what one connection receives, before the HTTP connection manager or the TCP proxy does, and
 * what they send, before it is written. */
typedef struct weir_network_filter {
  size_t size;
  uint32_t flags; /* 0 */
  uint32_t stream_align;
  size_t stream_size;

  void* (*config_new)(const weir_config* config);
  void (*config_free)(void* config);
  weir_verdict (*stream_new)(void* memory, const void* config, weir_stream stream);
  void (*stream_free)(void* self);

  /* The connection is there; before any bytes. */
  weir_verdict (*open)(void* self, weir_stream stream);
  /* WEIR_CONNECTION_DATA came; `end`: the client will send no more. */
  weir_verdict (*data)(void* self, weir_stream stream, int32_t end);
  /* Once, last. */
  weir_verdict (*closed)(void* self, weir_stream stream);
  weir_verdict (*timer)(void* self, weir_stream stream, uint32_t id);

  /* Since 1.1. */

  /* WEIR_CONNECTION_OUTPUT is about to be sent to the client. */
  weir_verdict (*output)(void* self, weir_stream stream);
  /* As that of HTTP filters. */
  weir_verdict (*call_done)(void* self, weir_stream stream, uint32_t id, uint32_t outcome);
} weir_network_filter;

typedef struct weir_plugin {
  size_t size;
  uint16_t major; /* WEIR_ABI_MAJOR and WEIR_ABI_MINOR of the header that it was compiled with */
  uint16_t minor;
  weir_text name; /* "add_header": [a-z0-9_-] */
  weir_text version;
  /* A serialised google.protobuf.FileDescriptorSet with the types of the configurations, in order of their imports,
   * or empty: then they are a google.protobuf.Struct. Files of google/protobuf and weir/options.proto are known. */
  weir_text descriptor_set;
  weir_text config_type; /* full name of a message of descriptor_set */
  weir_text route_config_type;
  const weir_http_filter* http;       /* null: none */
  const weir_network_filter* network; /* null: none */
  /* Before the object is unloaded, on the main thread, when nothing of it is in use any more. May be null. */
  void (*unload)(void);
} weir_plugin;

/* The one symbol. Null refuses to be loaded. */
const weir_plugin* weir_plugin_entry(const weir_host_api* host);
typedef const weir_plugin* (*weir_plugin_entry_fn)(const weir_host_api* host);
#define WEIR_PLUGIN_ENTRY_SYMBOL "weir_plugin_entry"

#ifdef __cplusplus
}
#endif

#endif /* WEIR_PLUGIN_H_ */
