"""How the stock instrumentations of each language and proxy shape a span.

Read off recordings of real exporters and their sources: attribute names, value types, scopes, resources, and which
headers a process can see at all (a Python client reads them before the trace context is injected, a Java one at the
span's start, Go's otelhttp never).
"""

from urllib.parse import urlsplit

CLIENT, SERVER, INTERNAL = 3, 2, 1
ERROR = 2


class Stack:
    """What all have in common; a subclass says how it differs."""

    name, language, sdk, sdk_version = "", "", "opentelemetry", "1.45.1"
    inner, agent = "app", "client/1.0"
    scopes = {}
    #: Headers that the client side cannot see.
    blind = ("traceparent",)
    underscored, plain = False, False

    def version(self, scope):
        return next((v for prefix, v in self.scopes.items() if scope.startswith(prefix)), "1.0.0")

    def resource(self, service, uuid):
        own = {"telemetry.sdk.language": self.language, "telemetry.sdk.name": self.sdk, "telemetry.sdk.version": self.sdk_version}
        return own | {"service.instance.id": uuid} | ({"service.name": service.name} if service.name else {})

    def captured(self, headers, wanted, blind=()):
        """The attributes that header capture writes."""
        out = {}
        for header in wanted:
            if header not in headers or header in blind or headers[header] is None:
                continue
            v = headers[header]
            values = v if isinstance(v, list) else [v]
            key = header.replace("-", "_") if self.underscored else header
            out[f"http.request.header.{key}"] = values[0] if self.plain and len(values) == 1 else list(values)
        return out

    def target(self, to, path):
        base = to if isinstance(to, str) else to.address
        url = urlsplit(base + path)
        return url.geturl(), url.hostname, url.port or (443 if url.scheme == "https" else 80)

    def peer_agent(self, parent):
        """The user agent that a caller's stack sends."""
        stack = parent.service.stack if hasattr(parent, "service") else None
        return stack.agent if stack else "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

    def server_scope(self):
        return self.inner

    def client_scope(self):
        return self.inner

    def server(self, trace, service, parent, headers, path, status, method, scope=None, route=None, name=None, query=None, **more):
        headers.setdefault("user-agent", self.peer_agent(parent))
        route = route or path.split("?")[0]
        attrs = {"http.request.method": method, "url.scheme": "http", "server.address": service.host, "server.port": service.port, "url.path": path.split("?")[0],
                 "url.query": query, "client.address": "10.1.0.9", "user_agent.original": headers["user-agent"], "network.protocol.version": "1.1", "http.route": route}
        attrs |= self.captured(headers, service.inn)
        attrs["http.response.status_code"] = status
        if status and status >= 500:
            attrs["error.type"] = str(status)
        code = ERROR if status and status >= 500 else 0
        return trace.span(service, SERVER, name or f"{method} {route}", scope or self.server_scope(), parent, attrs, status=code, **more)

    def client(self, trace, service, parent, to, headers, path, status, method, scope=None, name=None, agent=None, seen=None, **more):
        url, host, port = self.target(to, path)
        headers.setdefault("user-agent", agent or self.agent)
        attrs = {"http.request.method": method, "url.full": url, "server.address": host, "server.port": port, "network.peer.address": host,
                 "network.peer.port": port, "network.protocol.version": "1.1"}
        call = trace.span(service, CLIENT, name or method, scope or self.client_scope(), parent, attrs, **more)
        headers.setdefault("traceparent", call.traceparent())
        attrs |= self.captured(headers, service.out if seen is None else seen, self.blind)
        attrs["http.response.status_code"] = status
        if status and status >= 400:
            attrs["error.type"] = str(status)
            call.status = ERROR
        call.attrs = attrs
        return call


class Python(Stack):
    """Flask and requests; FastAPI, httpx and urllib3 by `scope`."""

    name, language, underscored, agent = "python", "python", True, "python-requests/2.34.2"
    inner = "opentelemetry.instrumentation.flask"
    scopes = {"opentelemetry.instrumentation": "0.66b1"}

    def client_scope(self):
        return "opentelemetry.instrumentation.requests"

    def client(self, *args, scope=None, agent=None, seen=None, **more):
        service = args[1]
        if scope and scope.endswith(("urllib3", "aiohttp_client")):
            # These set the user agent after the span was made.
            seen = [h for h in service.out if h != "user-agent"]
        return super().client(*args, scope=scope, agent=agent, seen=seen, **more)


class Node(Stack):
    """instrumentation-http on both sides; `scope=UNDICI` is fetch."""

    name, language, sdk_version, agent, blind = "node", "nodejs", "2.12.0", "axios/1.21.1", ()
    inner = "@opentelemetry/instrumentation-http"
    scopes = {"@opentelemetry/instrumentation-undici": "0.33.0", "@opentelemetry/instrumentation-express": "0.71.1", "@opentelemetry/": "0.223.0"}

    def resource(self, service, uuid):
        own = {"host.name": f"{service.host}-{uuid[:5]}", "process.pid": 1000 + int(uuid[:4], 16) % 30000, "process.runtime.name": "nodejs", "process.runtime.version": "20.20.2",
               "process.command": "/srv/app/service.mjs", "service.name": service.name or "unknown_service:node"}
        return own | {"telemetry.sdk.language": "nodejs", "telemetry.sdk.name": self.sdk, "telemetry.sdk.version": self.sdk_version}


UNDICI = "@opentelemetry/instrumentation-undici"
EXPRESS = "@opentelemetry/instrumentation-express"
REQUESTS, HTTPX, URLLIB3 = (f"opentelemetry.instrumentation.{lib}" for lib in ("requests", "httpx", "urllib3"))
FASTAPI = "opentelemetry.instrumentation.fastapi"


class Java(Stack):
    """The agent over Tomcat and the JDK's client; headers are read at the span's start."""

    name, language, sdk_version, agent = "java", "java", "1.56.0", "Java-http-client/21.0.8"
    inner = "io.opentelemetry.spring-webmvc-6.0"
    scopes = {"io.opentelemetry": "2.22.0-alpha"}

    def server_scope(self):
        return "io.opentelemetry.tomcat-10.0"

    def client_scope(self):
        return "io.opentelemetry.java-http-client"

    def resource(self, service, uuid):
        own = {"host.name": f"{service.host}-{uuid[:5]}", "process.pid": 1, "process.runtime.name": "OpenJDK Runtime Environment", "process.runtime.version": "21.0.8+9-LTS",
               "telemetry.distro.name": "opentelemetry-java-instrumentation", "telemetry.distro.version": "2.22.0"}
        return own | super().resource(service, uuid)


class Go(Stack):
    """otelhttp: it has no option for headers."""

    name, language, sdk_version, agent = "go", "go", "1.38.0", "Go-http-client/1.1"
    inner = "go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
    scopes = {"go.opentelemetry.io": "0.63.0"}

    def captured(self, headers, wanted, blind=()):
        return {}


class DotNet(Stack):
    """ASP.NET Core and HttpClient: a single value is a plain string."""

    name, language, sdk_version, agent, plain = "dotnet", "dotnet", "1.13.1", "", True
    inner = "Microsoft.AspNetCore"

    def client_scope(self):
        return "System.Net.Http"


class Browser(Stack):
    """The web SDK's fetch instrumentation: no headers, never an inbound."""

    name, language, sdk_version = "browser", "webjs", "2.12.0"
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    inner = "@opentelemetry/instrumentation-fetch"
    scopes = {"@opentelemetry/": "0.223.0"}

    def captured(self, headers, wanted, blind=()):
        return {}


class Envoy(Stack):
    """A sidecar or an edge: tags are plain strings, read after the filters ran."""

    name, language, sdk, sdk_version = "envoy", "cpp", "envoy", "9e5580933739775e8bce696a57a2e1bc99368f23/1.40.0/Clean/RELEASE/BoringSSL"
    inner, plain, blind = "envoy", True, ()
    sentinel = None

    def resource(self, service, uuid):
        return {"telemetry.sdk.language": "cpp", "telemetry.sdk.name": "envoy", "service.name": service.name, "telemetry.sdk.version": self.sdk_version}

    def tags(self, service, headers, status, cluster, own_id):
        attrs = {"node_id": f"sidecar~10.0.0.1~{service.name}" if own_id else None, "zone": "" if own_id else None, "http.protocol": "HTTP/1.1", "peer.address": "10.1.0.9",
                 "component": "proxy", "upstream_cluster": cluster, "upstream_cluster.name": cluster, "http.status_code": str(status), "response_flags": "-"}
        for header in service.inn:
            if header == "user-agent":
                continue
            v = headers.get(header) or self.sentinel
            attrs[f"http.request.header.{header}"] = v[0] if isinstance(v, list) else v
        return attrs

    def server(self, trace, service, parent, headers, path, status, method, cluster="inbound|80||", **more):
        span = trace.span(service, SERVER, "ingress", "envoy", parent, {}, **more)
        headers["traceparent"] = span.traceparent()
        span.attrs = {"http.url": f"http://{service.host}{path}", "http.method": method, "user_agent": self.peer_agent(parent)}
        span.set(self.tags(service, headers, status, cluster, True))
        span.status = ERROR if status >= 500 else 0
        return span

    def client(self, trace, service, parent, to, headers, path, status, method, cluster=None, own_id=True, **more):
        host = to if isinstance(to, str) else to.host
        span = trace.span(service, CLIENT, f"egress {host}", "envoy", parent, {}, **more)
        headers["traceparent"] = span.traceparent()
        span.attrs = {"http.url": f"http://{host}{path}", "http.method": method}
        span.set(self.tags(service, headers, status, cluster or f"outbound|80||{host}", own_id))
        span.status = ERROR if status >= 400 else 0
        return span


class Istio(Envoy):
    """customTags with a default value: `-` proves absence."""

    sentinel = "-"


class Nginx(Stack):
    """nginx-otel: a SERVER span only; a variable that is empty still makes its attribute."""

    name, language, sdk, sdk_version, inner = "nginx", "cpp", "opentelemetry", "1.11.0", "nginx"

    def resource(self, service, uuid):
        return {"service.name": service.name}

    def server(self, trace, service, parent, headers, path, status, method, **more):
        attrs = {"http.method": method, "http.target": path, "http.route": "/", "http.scheme": "http", "http.flavor": "1.1", "http.user_agent": self.peer_agent(parent),
                 "http.request_content_length": 0, "http.response_content_length": 14, "http.status_code": status, "net.host.name": service.host,
                 "net.sock.peer.addr": "10.1.0.9", "net.sock.peer.port": 41172}
        for header in service.inn:
            attrs[f"http.request.header.{header}"] = [headers.get(header) or ""]
        return trace.span(service, SERVER, "/", "nginx", parent, attrs, **more)


class Traefik(Stack):
    """SERVER, INTERNAL for router and middlewares, CLIENT `ReverseProxy`; string arrays."""

    name, language, sdk_version, inner, agent = "traefik", "go", "1.38.0", "github.com/traefik/traefik", "Mozilla/5.0"
    blind = ()
    scopes = {"github.com/traefik": "3.5.3"}

    def client(self, *args, name="ReverseProxy", **more):
        return super().client(*args, name=name, **more)


class Kong(Stack):
    """SERVER `kong`, CLIENT `kong.balancer` for each try, `kong.dns` CLIENT; no header option."""

    name, language, sdk_version, inner, agent = "kong", "", "0.1.0", "kong-internal", "kong"

    def captured(self, headers, wanted, blind=()):
        return {}

    def server(self, *args, name="kong", **more):
        return super().server(*args, name=name, **more)

    def client(self, *args, name="kong.balancer", **more):
        return super().client(*args, name=name, **more)


PYTHON, NODE, JAVA, GO, DOTNET, BROWSER, ENVOY, ISTIO, NGINX, TRAEFIK, KONG = (s() for s in (Python, Node, Java, Go, DotNet, Browser, Envoy, Istio, Nginx, Traefik, Kong))
