// Package fake is a SonarQube for tests and demonstrations: the parts of the Web API that the plugin calls, with the
// behaviour of SonarQube Server and of SonarQube Cloud, in Standard Experience and in Multi-Quality Rule mode, of old and new
// versions, and with their errors.
//
//	s := fake.New(fake.Options{Token: "squ_demo"})
//	s.Put(fake.Sample(time.Now())...)
//	http.ListenAndServe("127.0.0.1:9000", s)
package fake
