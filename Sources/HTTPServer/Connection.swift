/// One client connection. Serves requests until one side closes it.
struct Connection {
  enum Ending: Equatable {
    case closed
    /// Closed with a reset (RST).
    case reset
  }

  private let socket: Socket
  private let limits: HTTPServer.Limits
  private let handler: HTTPServer.Handler
  private let handlingChanged: (_ isHandling: Bool) -> Void
  private var reader: RequestReader
  private var writer: ResponseWriter

  /// - Parameter handlingChanged: called with true when a complete request was received, and with
  ///   false when its response was sent.
  init(
    socket: Socket, limits: HTTPServer.Limits, handler: @escaping HTTPServer.Handler,
    handlingChanged: @escaping (_ isHandling: Bool) -> Void
  ) {
    self.socket = socket
    self.limits = limits
    self.handler = handler
    self.handlingChanged = handlingChanged
    reader = RequestReader(socket: socket, limits: limits)
    writer = ResponseWriter(socket: socket)
  }

  /// Handles pipelined requests in order, each response before the next request is read.
  mutating func serve() -> Ending {
    socket.prepare(idleSeconds: limits.idleSeconds)
    while true {
      do {
        guard let request = try reader.next() else { return .closed }
        handlingChanged(true)
        let response = handler(request)
        if response.delayMilliseconds > 0 {
          socket.waitForEnd(milliseconds: response.delayMilliseconds)
        }
        if response.delivery == .reset { return .reset }
        guard deliver(response, to: request) else { return .closed }
      } catch {
        reject(error)
        return .closed
      }
    }
  }

  /// - Returns: whether the connection can be reused.
  private mutating func deliver(
    _ response: HTTPServer.Response, to request: HTTPServer.Request
  ) -> Bool {
    var response = response
    if case .chunked = response.delivery, !request.isVersion11 {
      response.delivery = .withContentLength
    }
    let keepsAlive =
      request.keepsAlive && !response.closesConnection && response.delivery != .droppedHalfway
    let isSent = writer.write(
      response, hasBody: request.method != "HEAD", keepsAlive: keepsAlive,
      saysKeepAlive: !request.isVersion11)
    response.onSent?()
    handlingChanged(false)
    if isSent && !keepsAlive {
      socket.finish(milliseconds: limits.lingerMilliseconds, bytes: limits.lingerBytes)
    }
    return isSent && keepsAlive
  }

  private mutating func reject(_ error: RequestReader.Failure) {
    guard case .rejected(let status, let reason) = error else { return }
    let response = HTTPServer.Response.text(status, reason + "\n")
    guard writer.write(response, hasBody: true, keepsAlive: false) else { return }
    socket.finish(milliseconds: limits.lingerMilliseconds, bytes: limits.lingerBytes)
  }
}
