import Basics
import Crypto

/// What a consent page answers, in the query of the address to which it sends the browser (RFC 6749
/// sections 4.1.2 and 4.1.2.1).
enum ConsentAnswer: Sendable {
  case code(String)
  case refusal(error: String, description: String?)
  /// The answer to somebody else's question (section 10.12).
  case wrongState

  /// - Parameter state: of the question; nil where it is not known.
  /// - Returns: nil for a query that answers nothing, or says something twice (section 3.1).
  init?(_ query: FormFields, state: String?) {
    guard query.repeatedName == nil else { return nil }
    let code = query["code"].flatMap { $0.isEmpty ? nil : $0 }
    let error = query["error"].flatMap { $0.isEmpty ? nil : $0 }
    guard code != nil || error != nil else { return nil }
    if let state, !SecretComparison.areEqual(query["state"] ?? "", state) {
      self = .wrongState
    } else if let error {
      self = .refusal(error: error, description: query["error_description"])
    } else if let code {
      self = .code(code)
    } else {
      return nil
    }
  }

  /// The address on which the browser ended, or the code alone, which people copy with its escapes.
  /// It has no state then, but is good only together with the verifier of RFC 7636.
  ///
  /// - Returns: nil for text that is neither.
  init?(pasted text: String, state: String?) {
    let word = text.drop(while: \.isWhitespace)
    let trimmed = String(word.prefix { !$0.isWhitespace })
    guard !trimmed.isEmpty, word.dropFirst(trimmed.count).allSatisfy(\.isWhitespace) else {
      return nil
    }
    if trimmed.contains("?") || trimmed.contains("://") {
      self.init(FormFields(queryOf: trimmed), state: state)
    } else {
      self = .code(PercentEncoding.decode(String(trimmed.prefix { $0 != "&" })))
    }
  }
}
