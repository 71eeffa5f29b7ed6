"""system_library: an external repository over libraries installed on the machine.

pkg-config says what a module links and which modules it requires. Each module
becomes one cc_library, each requirement a dep, so the linker sees the archives in
the right order; `targets` gives them their upstream labels.

Headers are not listed: they live in the compiler's own include directories, which
Bazel does not look into. So that upgrading a package still rebuilds what used it,
every library here also carries a define that stands for the installed versions of
all of them and of the compiler (toolchain_stamp below). The server reads them when
it starts: tools/setup stops it after installing anything.
"""

def _fail(rctx, what):
    fail("{}: {}. Install it with: apt-get install {} (or run tools/setup)".format(
        rctx.name,
        what,
        rctx.attr.deb,
    ))

def _run(rctx, argv, what):
    result = rctx.execute(argv)
    if result.return_code != 0:
        _fail(rctx, "{} ({})".format(what, result.stderr.strip()))
    return result.stdout.strip()

def _flags(text):
    return [t for t in text.split(" ") if t and not t.startswith("-L")]

def _parse_pc(text):
    """Returns (link flags, private link flags, required modules) of one .pc file."""
    variables = {}
    fields = {}
    for line in text.split("\n"):
        line = line.split("#")[0].strip()
        colon = line.find(":")
        equals = line.find("=")
        if equals > 0 and (colon < 0 or equals < colon):
            variables[line[:equals].strip()] = line[equals + 1:].strip()
        elif colon > 0:
            fields[line[:colon].strip()] = line[colon + 1:].strip()

    requires = []
    for key in ["Requires", "Requires.private"]:
        skip = 0
        for token in fields.get(key, "").replace(",", " ").split(" "):
            if not token:
                continue
            if token in ["=", "<", ">", "<=", ">=", "!="]:
                skip = 1
                continue
            if skip:
                skip = 0
                continue
            if token not in requires:
                requires.append(token)
    return _flags(fields.get("Libs", "")), _flags(fields.get("Libs.private", "")), requires

def _quote(items):
    return "[" + ", ".join(['"%s"' % i for i in items]) + "]"

_NODE = """
cc_library(
    name = "{name}",
    srcs = {srcs},
    defines = {defines},
    linkopts = {linkopts},
    deps = {deps},
)
"""

def _impl(rctx):
    pkg_config = rctx.which("pkg-config")
    if not pkg_config:
        fail("pkg-config is not installed: apt-get install pkg-config (or run tools/setup)")

    raw = rctx.attr.raw_libs
    queue = []
    for modules in rctx.attr.targets.values():
        queue.extend([m for m in modules if m not in queue])

    # pkg-config's answer for the first module also gives the directories.
    first = [m for m in queue if m not in raw][0]
    pc_dir = _run(rctx, [pkg_config, "--variable=pcfiledir", first], "no pkg-config module " + first)
    lib_dir = _run(rctx, [pkg_config, "--variable=libdir", first], "no libdir for " + first)
    if not lib_dir:
        lib_dir = str(rctx.path(pc_dir).dirname)
    nodes = []
    done = {}
    symlinked = {}
    for _ in range(10000):
        if not queue:
            break
        module = queue.pop(0)
        if module in done:
            continue
        done[module] = True
        if module in raw:
            libs, private, requires = ["-l" + module], [], [raw[module]]
        else:
            pc = rctx.path(pc_dir + "/" + module + ".pc")
            if not pc.exists:
                # A requirement outside this package, such as zlib.
                text = _run(rctx, [pkg_config, "--libs", module], "no pkg-config module " + module)
                libs, private, requires = [t for t in text.split(" ") if t], [], []
            else:
                libs, private, requires = _parse_pc(rctx.read(pc))

        srcs = []
        linkopts = []
        flags = libs + (private if rctx.attr.linkage == "static" else [])
        if rctx.attr.linkage == "headers":
            flags = []
        for flag in flags:
            if flag.startswith("-l"):
                archive = "lib" + flag[2:] + ".a"
                file = rctx.path(lib_dir + "/" + archive)
                if rctx.attr.linkage == "static" and flag[2:] not in _C_LIBRARY and file.exists:
                    # Bazel wants to see each archive once only.
                    if archive not in symlinked:
                        symlinked[archive] = True
                        rctx.symlink(file, "lib/" + archive)
                    srcs.append("lib/" + archive)
                else:
                    linkopts.append(flag)
            else:
                linkopts.append(flag)
        nodes.append(_NODE.format(
            name = "pc_" + module,
            srcs = _quote(srcs),
            defines = _quote(rctx.attr.defines),
            linkopts = _quote(linkopts),
            deps = _quote([":pc_" + r for r in requires] + ["@weir_toolchain//:stamp"]),
        ))
        queue.extend([r for r in requires if r not in done])

    packages = {"": ["".join(nodes)]}
    for label, modules in rctx.attr.targets.items():
        package, name = label[2:].split(":")
        packages.setdefault(package, []).append(
            'cc_library(name = "{}", deps = {})\n'.format(name, _quote(["//:pc_" + m for m in modules])),
        )

    for path, target in rctx.attr.links.items():
        if not rctx.path(target).exists:
            _fail(rctx, target + " is missing")
        rctx.symlink(target, path)

    tail = rctx.read(rctx.attr.build_file_tail) if rctx.attr.build_file_tail else ""
    for old, new in rctx.attr.substitutions.items():
        tail = tail.replace(old, new)
    for package, lines in packages.items():
        rctx.file(
            (package + "/" if package else "") + "BUILD.bazel",
            "# Written by //tools/bazel:system_library.bzl\n" +
            'load("@rules_cc//cc:defs.bzl", "cc_library")\n\n' +
            'package(default_visibility = ["//visibility:public"])\n\n' +
            "".join(lines) + ("" if package else tail),
            executable = False,
        )
    rctx.file("WORKSPACE", 'workspace(name = "%s")\n' % rctx.name, executable = False)

_C_LIBRARY = ["atomic", "c", "dl", "m", "pthread", "rt"]

system_library = repository_rule(
    implementation = _impl,
    attrs = {
        "build_file_tail": attr.label(allow_single_file = True),
        "deb": attr.string(mandatory = True),
        "defines": attr.string_list(),
        "linkage": attr.string(default = "static", values = ["headers", "static", "shared"]),
        "links": attr.string_dict(),
        # Libraries without a pkg-config module, and the module that each one needs.
        "raw_libs": attr.string_dict(),
        "substitutions": attr.string_dict(),
        "targets": attr.string_list_dict(mandatory = True),
    },
    configure = True,
    environ = ["PKG_CONFIG_PATH"],
    local = True,
)

def _toolchain_impl(rctx):
    compiler = rctx.os.environ.get("CC", "gcc")
    versions = [_run(rctx, [compiler, "--version"], "no compiler " + compiler)]
    dpkg = rctx.which("dpkg-query")
    if dpkg:
        # What is missing is simply not listed.
        versions.append(rctx.execute([dpkg, "-W"] + rctx.attr.debs).stdout)
    rctx.file("versions.txt", "\n".join(versions), executable = False)
    digest = _run(rctx, ["sha256sum", "versions.txt"], "no sha256sum")[:16]
    rctx.file(
        "BUILD.bazel",
        'load("@rules_cc//cc:defs.bzl", "cc_library")\n\n' +
        'cc_library(\n    name = "stamp",\n    defines = ["WEIR_TOOLCHAIN=%s"],\n' % digest +
        '    visibility = ["//visibility:public"],\n)\n',
        executable = False,
    )
    rctx.file("WORKSPACE", 'workspace(name = "%s")\n' % rctx.name, executable = False)

toolchain_stamp = repository_rule(
    implementation = _toolchain_impl,
    attrs = {
        "deb": attr.string(default = "g++"),
        "debs": attr.string_list(),
    },
    configure = True,
    environ = ["CC"],
    local = True,
)
