/// One client's connection: request after request until either side has had enough.
struct Connection {
  enum Ending: Equatable {
    case closed
    /// To be closed with a reset.
    case reset
  }

  private let socket: Socket
  private let limits: HTTPServer.Limits
  private let handler: HTTPServer.Handler
  private var reader: RequestReader
  private var writer: ResponseWriter

  init(socket: Socket, limits: HTTPServer.Limits, handler: @escaping HTTPServer.Handler) {
    self.socket = socket
    self.limits = limits
    self.handler = handler
    reader = RequestReader(socket: socket, limits: limits)
    writer = ResponseWriter(socket: socket)
  }

  /// Pipelined requests are answered in order, each before the next is read.
  mutating func serve() -> Ending {
    socket.prepare(idleSeconds: limits.idleSeconds)
    while true {
      do {
        guard let request = try reader.next() else { return .closed }
        let response = handler(request)
        if response.delayMilliseconds > 0 {
          socket.waitForEnd(milliseconds: response.delayMilliseconds)
        }
        if response.delivery == .reset { return .reset }
        guard deliver(response, to: request) else { return .closed }
      } catch {
        refuse(error)
        return .closed
      }
    }
  }

  /// - Returns: whether the connection can be used again.
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
    response.whenSent?()
    if isSent && !keepsAlive {
      socket.finish(milliseconds: limits.lingerMilliseconds, bytes: limits.lingerBytes)
    }
    return isSent && keepsAlive
  }

  private mutating func refuse(_ error: RequestReader.Failure) {
    guard case .refused(let status, let reason) = error else { return }
    let answer = HTTPServer.Response.text(status, reason + "\n")
    guard writer.write(answer, hasBody: true, keepsAlive: false) else { return }
    socket.finish(milliseconds: limits.lingerMilliseconds, bytes: limits.lingerBytes)
  }
}
