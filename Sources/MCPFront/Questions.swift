import Basics
import Engine
import JSON
import RPC
import Synchronization

/// The pending questions to users.
final class Questions: Sendable {
  /// Maximum number of pending questions on the connection.
  static let maximumOpen = 256
  /// Maximum number of remembered questions to stateless clients. Older ones are repeated.
  private static let maximumTokens = 1_000

  /// Maximum age of the answer of a stateless client in milliseconds.
  private static let tokenMilliseconds = Confirmation.defaultTimeoutMilliseconds

  enum Answer: Sendable {
    case accepted
    case declined
    /// The client answered with an error, of that code: its user was not asked.
    case unable(code: Int64?)
    /// There was no answer in time.
    case timedOut
    /// The input ended before the answer.
    case inputEnded
    /// The call was cancelled.
    case cancelled
    case tooMany

    /// The answer in a response to `elicitation/create`. Everything but a clear consent is none.
    init(_ response: JSON) {
      if let error = response["error"] {
        self = .unable(code: error["code"]?.integer)
      } else {
        self.init(result: response["result"])
      }
    }

    /// - Parameter result: an ElicitResult.
    init(result: JSON?) {
      self = result?["action"]?.equals("accept") == true ? .accepted : .declined
    }
  }

  /// A question without an answer yet.
  private final class Pending: Sendable {
    private let answer = Mutex<Answer?>(nil)
    private let latch = Latch()

    func resolve(_ answer: Answer) {
      self.answer.withLock { $0 = $0 ?? answer }
      latch.signal()
    }

    /// Waits for the answer.
    ///
    /// - Returns: nil if the deadline passes first.
    func value(until deadline: Deadline) async -> Answer? {
      _ = await latch.wait(until: deadline)
      return answer.withLock { $0 }
    }
  }

  /// A question to a stateless client.
  private struct Token {
    let text: String
    /// Of the invocation.
    let fingerprint: [UInt8]
    let expiry: Deadline
    let lists: TargetLists
  }

  private struct State {
    var pending: [String: Pending] = [:]
    var count = 0
    /// Oldest first.
    var tokens: [Token] = []
    var hasEnded = false

    mutating func removeTokens(where condition: (Token) -> Bool) -> [Token] {
      defer { tokens.removeAll(where: condition) }
      return tokens.filter(condition)
    }
  }

  private let state = Mutex(State())

  // MARK: Clients with a session

  /// Asks and waits for the answer without a slot of the in-flight limit.
  ///
  /// - Parameters:
  ///   - deadline: of the answer.
  ///   - send: sends the question with the given id.
  ///   - withdraw: notifies the client that the answer is no longer needed, with the reason.
  func ask(
    for request: InFlightRequest, until deadline: Deadline, send: (String) -> Void,
    withdraw: @escaping @Sendable (String, String) -> Void
  ) async -> Answer {
    let pending = Pending()
    // Registered and sent under one lock, so that the answer and the withdrawal come later.
    let opening = state.withLock { state -> Result<String, Refusal> in
      if request.cancelReason != nil { return .failure(Refusal(answer: .cancelled)) }
      if state.hasEnded { return .failure(Refusal(answer: .inputEnded)) }
      guard state.pending.count < Self.maximumOpen else {
        return .failure(Refusal(answer: .tooMany))
      }
      state.count += 1
      let question = "sallyport-question-\(state.count)"
      state.pending[question] = pending
      send(question)
      return .success(question)
    }
    switch opening {
    case .failure(let refusal): return refusal.answer
    case .success(let question):
      request.onCancel { [self] in
        if answer(question, .cancelled) { withdraw(question, "The call was cancelled.") }
      }
      request.releaseSlot()
      if let answer = await pending.value(until: deadline) { return answer }
      if answer(question, .timedOut) {
        withdraw(question, "The question was not answered in time.")
      }
      return await pending.value(until: deadline) ?? .timedOut
    }
  }

  private struct Refusal: Error { let answer: Answer }

  /// Resolves a question.
  ///
  /// - Returns: false if it is not pending.
  func answer(_ question: String, _ answer: Answer) -> Bool {
    let pending = state.withLock { $0.pending.removeValue(forKey: question) }
    pending?.resolve(answer)
    return pending != nil
  }

  /// Resolves all questions: the input has ended.
  func end() {
    let (pending, tokens) = state.withLock { state in
      state.hasEnded = true
      defer { (state.pending, state.tokens) = ([:], []) }
      return (Array(state.pending.values), state.tokens)
    }
    for question in pending { question.resolve(.inputEnded) }
    for token in tokens { token.lists.remove() }
  }

  // MARK: Stateless clients

  /// A token for the question about an invocation.
  ///
  /// - Parameter lists: removed with the token.
  func token(for invocation: PreparedInvocation, _ lists: TargetLists) -> String {
    let token = Token(
      text: UniqueID.make(), fingerprint: invocation.fingerprint,
      expiry: Deadline(inMilliseconds: Self.tokenMilliseconds), lists: lists)
    let useless = state.withLock { state in
      var useless = state.removeTokens { $0.expiry.hasPassed }
      if state.hasEnded { return useless + [token] }
      if state.tokens.count >= Self.maximumTokens { useless.append(state.tokens.removeFirst()) }
      state.tokens.append(token)
      return useless
    }
    for token in useless { token.lists.remove() }
    return token.text
  }

  /// Consumes a token.
  ///
  /// - Returns: whether it belongs to a recent question about the same invocation.
  func take(_ text: String, for invocation: PreparedInvocation) -> Bool {
    let fingerprint = invocation.fingerprint
    let taken = state.withLock { state in
      state.removeTokens { $0.text == text && $0.fingerprint == fingerprint }
    }
    for token in taken { token.lists.remove() }
    return taken.contains { !$0.expiry.hasPassed }
  }
}
