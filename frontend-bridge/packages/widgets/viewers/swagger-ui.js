// Shows the document that the page around hands in. Requests are left to the host's own form: this frame has no network.
addEventListener('message', event => {
  if (event.source !== parent || event.data?.t !== 'document') return;
  SwaggerUIBundle({
    spec: callboardQuiet(JSON.parse(event.data.text)),
    domNode: document.getElementById('viewer'),
    supportedSubmitMethods: [],
    validatorUrl: null,
    deepLinking: false,
  });
});
parent.postMessage({ t: 'viewer' }, '*');
