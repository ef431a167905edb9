/// The words of one vendor in fault texts.
struct FaultVocabulary: Sendable {
  /// What the texts start with; with `-auth`, those about signing in.
  let name: String
  let hasSignIn: Bool
  /// Of JSON-RPC, for `on METHOD`.
  var methods: [String] = []
  var habits: [VendorHabit] = []
}

/// A way of answering that a fault switches on, named by the words of the fault's text.
struct VendorHabit: Hashable, Sendable {
  let text: String
}
